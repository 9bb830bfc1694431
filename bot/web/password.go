package web

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"efterkurs/reminders"
)

// minPassword is the least length in characters. Length is the one rule: rules about digits and signs make
// people write their password down (NIST SP 800-63B).
const minPassword = 12

// maxPassword keeps a request from hashing a book.
const maxPassword = 1024

// Argon2id as OWASP has it for two cores: 19 MiB, two passes, one lane; about 30 ms.
const (
	argonMemory = 19 * 1024 // KiB
	argonPasses = 2
	argonLanes  = 1
	argonSalt   = 16
	argonKey    = 32
)

// hashing bounds how many hashes are made at once: each holds 19 MiB, and a flood of logins must not take
// the memory that sending needs.
var hashing = make(chan struct{}, 4)

// HashPassword hashes pw for storing, as a PHC string; EINVALID where it is too short or too long.
func HashPassword(pw string) (string, error) {
	if n := utf8.RuneCountInString(pw); n < minPassword || len(pw) > maxPassword {
		return "", reminders.Errorf(reminders.EINVALID, "a password has at least %d characters (and at most %d bytes); this one has %d", minPassword, maxPassword, n)
	}
	salt := make([]byte, argonSalt)
	_, _ = rand.Read(salt) // never fails since Go 1.24: it ends the program instead
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonPasses, argonLanes,
		b64.EncodeToString(salt), b64.EncodeToString(argonHash(pw, salt, argonPasses, argonMemory, argonLanes, argonKey))), nil
}

// CheckPassword says whether pw is the password that hash was made of. It takes the parameters from the
// hash, so that old hashes stay good when the ones above are raised. A hash it cannot read is nobody's.
func CheckPassword(hash, pw string) bool {
	parts := strings.Split(hash, "$")
	if len(pw) > maxPassword || len(parts) != 6 || parts[1] != "argon2id" {
		return false
	}
	var version int
	var memory, passes uint32
	var lanes uint8
	if _, err := fmt.Sscanf(parts[2], "v=%d", &version); err != nil || version != argon2.Version {
		return false
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &memory, &passes, &lanes); err != nil ||
		memory == 0 || memory > 1<<20 || passes == 0 || passes > 16 || lanes == 0 {
		return false
	}
	salt, err := base64.RawStdEncoding.DecodeString(parts[4])
	if err != nil {
		return false
	}
	want, err := base64.RawStdEncoding.DecodeString(parts[5])
	if err != nil || len(want) < 16 || len(want) > 128 {
		return false
	}
	return subtle.ConstantTimeCompare(argonHash(pw, salt, passes, memory, lanes, uint32(len(want))), want) == 1
}

func argonHash(pw string, salt []byte, passes, memory uint32, lanes uint8, length uint32) []byte {
	hashing <- struct{}{}
	defer func() { <-hashing }()
	return argon2.IDKey([]byte(pw), salt, passes, memory, lanes, length)
}
