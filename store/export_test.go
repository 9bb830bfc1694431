package store

import "context"

// Pretend makes a database look as if migration number had been applied.
func Pretend(ctx context.Context, s *Store, number int64) error {
	_, err := s.db.ExecContext(ctx, `INSERT INTO goose_db_version (version_id, is_applied) VALUES ($1, $2)`, number, true)
	return err
}

// WithoutName is withoutName.
var WithoutName = withoutName

// Exec runs a statement of a test's own.
func Exec(ctx context.Context, s *Store, statement string) error {
	_, err := s.db.ExecContext(ctx, statement)
	return err
}

// Text is what a statement of a test's own gives, in one row.
func Text(ctx context.Context, s *Store, statement string) (text string, err error) {
	return text, s.db.GetContext(ctx, &text, statement)
}
