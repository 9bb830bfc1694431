// Package migrations holds the database's history: the same numbers and names for SQLite and PostgreSQL.
// A file that was ever released is never edited; what is to change comes in a new one.
package migrations

import "embed"

// Files are the migrations of both databases, in the folders sqlite and postgres.
//
//go:embed sqlite/*.sql postgres/*.sql
var Files embed.FS
