package store

import (
	"context"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"golang.org/x/crypto/chacha20poly1305"

	"efterkurs/reminders"
)

// sealPurpose keeps the key that seals workspaces' tokens apart from any other made from the same secret.
const sealPurpose = "efterkurs workspace token 1"

// seal encrypts a workspace's token (XChaCha20-Poly1305, a random nonce before it) with a key derived from the secret.
// The team goes with it unencrypted: a token moved to another row does not open.
func (s *Store) seal(team, token string) (string, error) {
	aead, err := s.sealer()
	if err != nil {
		return "", err
	}
	nonce := make([]byte, aead.NonceSize(), aead.NonceSize()+len(token)+aead.Overhead())
	_, _ = rand.Read(nonce) // never fails (crypto/rand)
	return base64.RawStdEncoding.EncodeToString(aead.Seal(nonce, nonce, []byte(token), []byte(team))), nil
}

// open undoes seal. EINVALID where it was sealed with another secret, or for another team.
func (s *Store) open(team, sealed string) (string, error) {
	aead, err := s.sealer()
	if err != nil {
		return "", err
	}
	raw, err := base64.RawStdEncoding.DecodeString(sealed)
	if err == nil && len(raw) > aead.NonceSize() {
		token, err := aead.Open(nil, raw[:aead.NonceSize()], raw[aead.NonceSize():], []byte(team))
		if err == nil {
			return string(token), nil
		}
	}
	return "", reminders.Errorf(reminders.EINVALID, "the Slack token of workspace %s was stored with another EFTERKURS_SECRET and cannot be opened: put that secret back, or add the app to the workspace again", team)
}

func (s *Store) sealer() (aead interface {
	NonceSize() int
	Overhead() int
	Seal(dst, nonce, plaintext, additionalData []byte) []byte
	Open(dst, nonce, ciphertext, additionalData []byte) ([]byte, error)
}, err error) {
	secret := *s.secret.Load()
	if len(secret) == 0 {
		return nil, reminders.Errorf(reminders.EINVALID, "there is no EFTERKURS_SECRET to keep a workspace's token with")
	}
	key, err := hkdf.Key(sha256.New, secret, nil, sealPurpose, chacha20poly1305.KeySize)
	if err != nil {
		return nil, fmt.Errorf("deriving a key: %w", err)
	}
	return chacha20poly1305.NewX(key)
}

const workspaceColumns = `w.id, w.team_id, w.name, w.bot_user_id, w.token, w.scopes, w.installed_at, w.lost_at, w.lost_reason, w.updated_at`

type workspaceRow struct {
	ID          int64  `db:"id"`
	TeamID      string `db:"team_id"`
	Name        string `db:"name"`
	BotUserID   string `db:"bot_user_id"`
	Token       string `db:"token"` // sealed
	Scopes      string `db:"scopes"`
	InstalledAt millis `db:"installed_at"`
	LostAt      millis `db:"lost_at"`
	LostReason  string `db:"lost_reason"`
	UpdatedAt   millis `db:"updated_at"`
}

func (r workspaceRow) workspace() reminders.Workspace {
	return reminders.Workspace{ID: r.ID, TeamID: r.TeamID, Name: r.Name, BotUserID: r.BotUserID, Scopes: r.Scopes,
		InstalledAt: r.InstalledAt.Time(), LostAt: r.LostAt.Time(), LostReason: r.LostReason}
}

// Workspaces lists the workspaces that the app is or was installed into, by name. One whose token cannot be opened
// with this secret is lost as long as that is so.
func (s *Store) Workspaces(ctx context.Context) (workspaces []reminders.Workspace, err error) {
	err = s.peek(ctx, func(t *tx) error {
		var err error
		workspaces, err = findWorkspaces(ctx, t)
		return err
	})
	return workspaces, err
}

func findWorkspaces(ctx context.Context, t *tx) ([]reminders.Workspace, error) {
	type row struct {
		workspaceRow
		Company string `db:"company"`
	}
	var rows []row
	if err := t.all(ctx, &rows, `SELECT `+workspaceColumns+`, COALESCE(co.name, '') AS company
		FROM workspaces AS w LEFT JOIN companies AS co ON co.workspace_id = w.id ORDER BY w.name, w.id, co.name_key`); err != nil {
		return nil, fmt.Errorf("listing workspaces: %w", err)
	}
	var out []reminders.Workspace
	for _, r := range rows {
		if n := len(out); n == 0 || out[n-1].ID != r.ID {
			w := r.workspace()
			if _, err := t.s.open(r.TeamID, r.Token); r.LostAt == 0 && err != nil {
				w.LostAt, w.LostReason = r.UpdatedAt.Time(), reminders.LostSealed
			}
			out = append(out, w)
		}
		if r.Company != "" {
			out[len(out)-1].Companies = append(out[len(out)-1].Companies, r.Company)
		}
	}
	return out, nil
}

// WorkspaceToken is a workspace with its token. ENOTFOUND where the app was not installed into it by us or it is lost;
// EINVALID where the token was sealed with another secret.
func (s *Store) WorkspaceToken(ctx context.Context, team string) (w reminders.Workspace, err error) {
	err = s.peek(ctx, func(t *tx) error {
		var r workspaceRow
		if err := t.get(ctx, &r, `SELECT `+workspaceColumns+` FROM workspaces AS w WHERE w.team_id = $1`, clean(team)); err != nil {
			return notFound(err, "the app was not added to the Slack workspace %s", team)
		}
		if r.LostAt != 0 || r.Token == "" {
			return reminders.Errorf(reminders.ENOTFOUND, "the Slack workspace %s does not let the app in any more", team)
		}
		w = r.workspace()
		w.Token, err = s.open(r.TeamID, r.Token)
		return err
	})
	return w, err
}

// Install stores a workspace with its token, sealed, and gives it to a company. One that was lost is found again, and
// what waits for it goes on. ENOTFOUND where there is no such company. ECONFLICT, and nothing stored, where the company
// has another workspace that lets us in, or where the workspace is used by companies none of which is among may (nil =
// all may): a customer is not to be mixed up with another's.
func (s *Store) Install(ctx context.Context, now time.Time, companyID int64, w reminders.Workspace, may func(companyID int64) bool) error {
	if w.TeamID == "" || w.Token == "" {
		return reminders.Errorf(reminders.EINVALID, "a workspace needs a team and a token")
	}
	sealed, err := s.seal(w.TeamID, w.Token)
	if err != nil {
		return err
	}
	return s.write(ctx, func(t *tx) error {
		var has struct {
			Name      string `db:"name"`
			Workspace string `db:"workspace"`
			Team      string `db:"team"`
			Lost      millis `db:"lost"`
		}
		if err := t.get(ctx, &has, `SELECT co.name, COALESCE(w.name, '') AS workspace, COALESCE(w.team_id, '') AS team, COALESCE(w.lost_at, 0) AS lost
			FROM companies AS co LEFT JOIN workspaces AS w ON w.id = co.workspace_id WHERE co.id = $1`+t.forUpdate(`FOR NO KEY UPDATE OF co`), companyID); err != nil {
			return notFound(err, "there is no company %d", companyID)
		}
		if has.Team != "" && has.Team != w.TeamID && has.Lost == 0 {
			return &reminders.OtherWorkspace{Company: has.Name, Has: has.Workspace, Chosen: w.Name}
		}
		var others []struct {
			ID   int64  `db:"id"`
			Name string `db:"name"`
		}
		if err := t.all(ctx, &others, `SELECT co.id, co.name FROM companies AS co JOIN workspaces AS w ON w.id = co.workspace_id WHERE w.team_id = $1 ORDER BY co.id`, clean(w.TeamID)); err != nil {
			return fmt.Errorf("looking for who uses a workspace: %w", err)
		}
		allowed := len(others) == 0 || may == nil
		for _, other := range others {
			allowed = allowed || other.ID == companyID || may(other.ID)
		}
		if !allowed {
			return &reminders.OtherWorkspace{Company: has.Name, Chosen: w.Name}
		}
		var id int64
		if err := t.get(ctx, &id, `INSERT INTO workspaces AS w (team_id, name, bot_user_id, token, scopes, installed_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $6)
			ON CONFLICT (team_id) DO UPDATE SET name = excluded.name, bot_user_id = excluded.bot_user_id, token = excluded.token, scopes = excluded.scopes,
				installed_at = excluded.installed_at, lost_at = 0, lost_reason = '', updated_at = excluded.updated_at
			RETURNING id`, clean(w.TeamID), clean(w.Name), clean(w.BotUserID), sealed, clean(w.Scopes), ms(now)); err != nil {
			return fmt.Errorf("storing workspace %s: %w", w.TeamID, err)
		}
		if _, err := t.exec(ctx, `UPDATE companies SET workspace_id = $1, updated_at = $2 WHERE id = $3`, id, ms(now), companyID); err != nil {
			return fmt.Errorf("giving company %d a workspace: %w", companyID, err)
		}
		// What waits for a few minutes because it was lost need not wait any longer.
		if _, err := t.exec(ctx, `UPDATE messages SET run_at = $1 WHERE state = 'planned' AND reason = $2 AND run_at > $1 AND run_at <= $3 AND company_id IN
			(SELECT co.id FROM companies AS co WHERE co.workspace_id = $4)`, ms(now), reminders.ReasonLost, ms(now.Add(reminders.RetryLater)), id); err != nil {
			return fmt.Errorf("waking what waits for workspace %s: %w", w.TeamID, err)
		}
		return nil
	})
}

// LoseWorkspace records that a workspace does not let the app in any more, and forgets its token. It is one that was
// installed by at at the latest: what is said of an older installation says nothing of a newer one. lost is false
// where nothing changed. What people wrote since then is asked for once it is found again.
func (s *Store) LoseWorkspace(ctx context.Context, now time.Time, team string, at time.Time, reason string) (lost bool, err error) {
	err = s.write(ctx, func(t *tx) error {
		n, err := t.exec(ctx, `UPDATE workspaces SET token = '', lost_at = $1, lost_reason = $2, updated_at = $1 WHERE team_id = $3 AND lost_at = 0 AND installed_at <= $4`,
			ms(now), clean(reason), clean(team), ms(at))
		if err != nil {
			return fmt.Errorf("losing workspace %s: %w", team, err)
		}
		if lost = n > 0; !lost {
			return nil
		}
		source := reminders.Source(reminders.Slack, team)
		if _, err := lockChannel(ctx, t, source); err != nil {
			return err
		}
		_, err = t.exec(ctx, `UPDATE channels SET missed_since = $1 WHERE channel = $2 AND (missed_since = 0 OR missed_since > $1)`, ms(now), source)
		return err
	})
	return lost, err
}

// KnowsWorkspace says whether a team is a workspace that the app was installed into by us, lost or not.
func (s *Store) KnowsWorkspace(ctx context.Context, team string) (known bool, err error) {
	err = s.peek(ctx, func(t *tx) error {
		known, err = knownTeam(ctx, t, team)
		return err
	})
	return known, err
}

// lostHealth adds the workspaces that are lost, and takes their sources off the list of those that should be heard.
func lostHealth(ctx context.Context, t *tx, h *reminders.Health) error {
	all, err := findWorkspaces(ctx, t)
	if err != nil {
		return err
	}
	for _, w := range all {
		if !w.LostAt.IsZero() {
			h.Lost = append(h.Lost, w)
			delete(h.Heard, reminders.Source(reminders.Slack, w.TeamID))
		}
	}
	for source := range h.Ahead {
		if strings.Contains(source, "/") { // they have no line
			delete(h.Ahead, source)
		}
	}
	return nil
}
