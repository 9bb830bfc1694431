package store

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"

	"efterkurs/reminders"
)

// addressKeys are the keys of all addresses of a person, in the order in which they make a person's own key.
func addressKeys(p reminders.Person) []string {
	var keys []string
	for _, k := range []struct{ prefix, address string }{{"tel:", p.Phone}, {"mail:", p.Email}, {"slack:", p.SlackID}} {
		if k.address != "" {
			keys = append(keys, k.prefix+k.address)
		}
	}
	return keys
}

// personKey is how a person is known in the whole school; "" without any address.
func personKey(p reminders.Person) string {
	if keys := addressKeys(p); len(keys) > 0 {
		return keys[0]
	}
	return ""
}

// hash is the keyed hash of an address: STOP survives an erasure, the address does not.
func (s *Store) hash(key string) string {
	mac := hmac.New(sha256.New, *s.secret.Load())
	mac.Write([]byte(key))
	return hex.EncodeToString(mac.Sum(nil))
}

// hashes are those of all addresses of a person. A Slack id is of its workspace: the same one elsewhere is somebody else.
func (s *Store) hashes(p reminders.Person) []string {
	if p.SlackTeam != "" && p.SlackID != "" {
		p.SlackID = p.SlackTeam + "/" + p.SlackID
	}
	var out []string
	for _, key := range addressKeys(p) {
		out = append(out, s.hash(key))
	}
	return out
}
