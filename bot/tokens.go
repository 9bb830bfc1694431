package bot

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
)

// Tokens signs message ids, so that an address in an e-mail names one message and cannot be guessed.
type Tokens struct{ Key []byte }

// answerPurpose keeps these signatures apart from any other made with the same key.
const answerPurpose = "efterkurs answer 1"

// Answer is the token of message id: 8 bytes of id and 16 of HMAC-SHA256, in URL-safe Base64 (32 characters).
func (t Tokens) Answer(id int64) string {
	raw := binary.BigEndian.AppendUint64(nil, uint64(id))
	return base64.RawURLEncoding.EncodeToString(append(raw, t.sign(raw)...))
}

// Message is the id that token was made for; false for any other text.
func (t Tokens) Message(token string) (id int64, ok bool) {
	raw, err := base64.RawURLEncoding.DecodeString(token)
	// The decoder passes over line breaks: a token has one spelling only.
	if err != nil || len(token) != 32 || len(raw) != 24 || len(t.Key) == 0 || !hmac.Equal(raw[8:], t.sign(raw[:8])) {
		return 0, false
	}
	return int64(binary.BigEndian.Uint64(raw)), true
}

func (t Tokens) sign(raw []byte) []byte {
	mac := hmac.New(sha256.New, t.Key)
	mac.Write([]byte(answerPurpose))
	mac.Write(raw)
	return mac.Sum(nil)[:16]
}
