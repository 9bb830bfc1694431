package bot

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"strconv"
	"strings"
)

// Tokens signs message ids, so that an address in an e-mail names one message and cannot be guessed.
type Tokens struct{ Key []byte }

// answerPurpose keeps these signatures apart from any other made with the same key.
const answerPurpose = "efterkurs answer 1"

// Answer is the token of message id: 8 bytes of id and 16 of HMAC-SHA256, in URL-safe Base64 (32 characters).
func (t Tokens) Answer(id int64) string {
	raw := binary.BigEndian.AppendUint64(nil, uint64(id))
	return base64.RawURLEncoding.EncodeToString(append(raw, t.sign(answerPurpose, raw)...))
}

// Message is the id that token was made for; false for any other text.
func (t Tokens) Message(token string) (id int64, ok bool) {
	raw, err := base64.RawURLEncoding.DecodeString(token)
	// The decoder passes over line breaks: a token has one spelling only.
	if err != nil || len(token) != 32 || len(raw) != 24 || len(t.Key) == 0 || !hmac.Equal(raw[8:], t.sign(answerPurpose, raw[:8])) {
		return 0, false
	}
	return int64(binary.BigEndian.Uint64(raw)), true
}

// What a signed name of a message in a mail's address or Message-ID is for. One cannot be made into the other.
const (
	MailReply = "efterkurs mail reply 1" // before the @ of Reply-To
	MailStop  = "efterkurs mail stop 1"  // the same for the way out
	MailID    = "efterkurs mail id 1"    // in a Message-ID, which comes back as In-Reply-To
)

// mailSignature is 80 bits in 16 characters: before the @ there is room for 64 characters in all.
var mailSignature = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// Mail is a name of message id that mail servers leave whole and nobody else can make: "4711.", then lower-case letters
// and digits, since some servers fold the case of an address.
func (t Tokens) Mail(purpose string, id int64) string {
	return strconv.FormatInt(id, 10) + "." + mailSignature.EncodeToString(t.sign(purpose, binary.BigEndian.AppendUint64(nil, uint64(id)))[:10])
}

// OfMail is the id of the message that a name was made for, with that purpose; false for any other text.
func (t Tokens) OfMail(purpose, name string) (id int64, ok bool) {
	digits, _, _ := strings.Cut(name, ".")
	id, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || id <= 0 || len(t.Key) == 0 || !hmac.Equal([]byte(strings.ToLower(name)), []byte(t.Mail(purpose, id))) {
		return 0, false
	}
	return id, true
}

func (t Tokens) sign(purpose string, raw []byte) []byte {
	mac := hmac.New(sha256.New, t.Key)
	mac.Write([]byte(purpose))
	mac.Write(raw)
	return mac.Sum(nil)[:16]
}
