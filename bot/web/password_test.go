package web

import (
	"strings"
	"testing"

	"efterkurs/reminders"
)

func TestAPasswordIsCheckedAgainstItsHash(t *testing.T) {
	hash, err := HashPassword("hver mandag kl. syv")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("not a PHC string of argon2id: %s", hash)
	}
	again, _ := HashPassword("hver mandag kl. syv")
	if hash == again {
		t.Error("the same password has the same hash twice: there is no salt")
	}
	for pw, want := range map[string]bool{"hver mandag kl. syv": true, "hver mandag kl. Syv": false, "": false, "hver mandag kl. syv ": false} {
		if got := CheckPassword(hash, pw); got != want {
			t.Errorf("%q: got %v", pw, got)
		}
	}
}

// The vector was made with the reference implementation's command: argon2 somesalt -id -t 2 -k 65536 -p 1.
func TestAHashWithOtherParametersIsStillGood(t *testing.T) {
	const hash = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	if !CheckPassword(hash, "password") {
		t.Error("the reference implementation's hash is refused")
	}
}

func TestShortPasswordsAreRefused(t *testing.T) {
	for pw, ok := range map[string]bool{"elleve tegn": false, "tolv tegn ja": true, "øøøøøøøøøøø": false, "øøøøøøøøøøøø": true, strings.Repeat("a", maxPassword+1): false} {
		_, err := HashPassword(pw)
		if ok != (err == nil) || !ok && reminders.ErrorCode(err) != reminders.EINVALID {
			t.Errorf("%.20q: got %v", pw, err)
		}
	}
}

func TestABrokenHashIsNobodys(t *testing.T) {
	good, _ := HashPassword("tolv tegn eller flere")
	for _, hash := range []string{"", "x", "$argon2id$v=19$m=19456,t=2,p=1$$", strings.Replace(good, "argon2id", "argon2i", 1),
		strings.Replace(good, "v=19", "v=18", 1), strings.Replace(good, "m=19456", "m=0", 1), strings.Replace(good, "m=19456", "m=99999999", 1),
		strings.Replace(good, "t=2", "t=0", 1), good[:len(good)-5], good + "!"} {
		if CheckPassword(hash, "tolv tegn eller flere") {
			t.Errorf("accepted: %s", hash)
		}
	}
}

func FuzzCheckPassword(f *testing.F) {
	f.Add("$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc")
	f.Add("$argon2id$v=19$m=8,t=1,p=0$$")
	f.Fuzz(func(t *testing.T, hash string) {
		if strings.Contains(hash, "m=8,") && CheckPassword(hash, "no such password") {
			t.Error("accepted")
		}
	})
}
