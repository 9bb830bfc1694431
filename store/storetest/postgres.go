package storetest

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	_ "github.com/lib/pq" // the databases are made and dropped by SQL

	"efterkurs/store"
)

// Postgres is the address of a new, empty database, dropped after the test: on the server at
// TEST_DATABASE_URL, else in a throw-away cluster of this process. Without both the test is skipped.
func Postgres(t testing.TB) string {
	t.Helper()
	return database(t, "")
}

// migratedPostgres is Postgres with the migrations applied, copied from a template where the cluster is
// ours: that takes a quarter of the time.
func migratedPostgres(t testing.TB) string {
	t.Helper()
	if os.Getenv("TEST_DATABASE_URL") != "" {
		return Postgres(t)
	}
	server, err := cluster()
	if err != nil {
		missing(t, "postgres", err.Error())
	}
	templateOnce.Do(func() { templateErr = makeTemplate(t.Context(), server) })
	if templateErr != nil {
		t.Fatal(templateErr)
	}
	return database(t, " TEMPLATE "+template)
}

const template = "efterkurs_template"

var (
	templateOnce sync.Once
	templateErr  error
)

func makeTemplate(ctx context.Context, server string) error {
	db, err := sql.Open("postgres", server)
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, "CREATE DATABASE "+template); err != nil {
		return fmt.Errorf("making the template: %w", err)
	}
	u, err := url.Parse(server)
	if err != nil {
		return err
	}
	u.Path = "/" + template
	s, err := store.Open(ctx, store.Config{URL: u.String(), Secret: Secret})
	if err != nil {
		return err
	}
	_, err = s.Migrate(ctx)
	return errors.Join(err, s.Close())
}

// database makes a database on the server and drops it after the test.
func database(t testing.TB, options string) string {
	t.Helper()
	server := os.Getenv("TEST_DATABASE_URL")
	if server == "" {
		var err error
		if server, err = cluster(); err != nil {
			missing(t, "postgres", err.Error())
		}
	}
	u, err := url.Parse(server)
	if err != nil {
		t.Fatalf("TEST_DATABASE_URL: %v", err)
	}
	db, err := sql.Open("postgres", server)
	if err != nil {
		t.Fatal(err)
	}
	random := make([]byte, 8)
	_, _ = rand.Read(random)
	name := "efterkurs_test_" + hex.EncodeToString(random)
	if _, err := db.ExecContext(t.Context(), "CREATE DATABASE "+name+options); err != nil {
		db.Close()
		t.Fatalf("making a database: %v", err)
	}
	t.Cleanup(func() {
		defer db.Close()
		if _, err := db.Exec("DROP DATABASE IF EXISTS " + name + " WITH (FORCE)"); err != nil {
			t.Errorf("dropping a database: %v", err)
		}
	})
	u.Path = "/" + name
	return u.String()
}

var (
	once       sync.Once
	clusterURL string
	clusterErr error
	// lifeline is the supervisor's standard input. It closes when this process ends, however it ends; then
	// the supervisor stops the server and removes its folder.
	lifeline *os.File
)

func cluster() (string, error) {
	once.Do(func() { clusterURL, clusterErr = startCluster() })
	return clusterURL, clusterErr
}

// initCluster makes a cluster's folder and its owner, who is not root: PostgreSQL refuses to run as that.
func initCluster(bin string) (dir string, as *syscall.SysProcAttr, err error) {
	// A short path: a socket's name has at most 107 bytes.
	if dir, err = os.MkdirTemp("/tmp", "efpg"); err != nil {
		return "", nil, err
	}
	defer func() {
		if err != nil {
			os.RemoveAll(dir)
		}
	}()
	as = &syscall.SysProcAttr{Setpgid: true}
	if os.Geteuid() == 0 {
		if as.Credential, err = otherUser(); err != nil {
			return "", nil, err
		}
		if err = os.Chown(dir, int(as.Credential.Uid), int(as.Credential.Gid)); err != nil {
			return "", nil, err
		}
	}
	initdb := exec.Command(filepath.Join(bin, "initdb"), "-D", filepath.Join(dir, "data"), "-U", "postgres", "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C")
	initdb.SysProcAttr, initdb.Dir = as, dir
	if out, err := initdb.CombinedOutput(); err != nil {
		return "", nil, fmt.Errorf("initdb: %w: %s", err, bytes.TrimSpace(out))
	}
	return dir, as, nil
}

func startCluster() (string, error) {
	bin, err := serverBinaries()
	if err != nil {
		return "", err
	}
	dir, as, err := initCluster(bin)
	if err != nil {
		return "", err
	}
	read, write, err := os.Pipe()
	if err != nil {
		os.RemoveAll(dir)
		return "", err
	}
	defer read.Close()
	lifeline = write
	// $1 = the folder, $2 = postgres. QUIT is an immediate stop: nobody needs the data any more.
	const supervise = `trap '' INT TERM
"$2" -D "$1/data" -k "$1" -c listen_addresses= -c fsync=off -c full_page_writes=off -c max_connections=300 -c shared_buffers=64MB >"$1/log" 2>&1 </dev/null &
pid=$!
cat >/dev/null
kill -QUIT $pid
wait $pid
rm -rf "$1"`
	supervisor := exec.Command("/bin/sh", "-c", supervise, "sh", dir, filepath.Join(bin, "postgres"))
	supervisor.SysProcAttr, supervisor.Stdin, supervisor.Dir = as, read, "/"
	if err := supervisor.Start(); err != nil {
		os.RemoveAll(dir)
		return "", fmt.Errorf("starting PostgreSQL: %w", err)
	}
	address := "postgres://postgres@/postgres?host=" + url.QueryEscape(dir) + "&sslmode=disable"
	if err := answers(address); err != nil {
		log, _ := os.ReadFile(filepath.Join(dir, "log"))
		lifeline.Close()
		return "", fmt.Errorf("PostgreSQL did not come up: %w: %s", err, log)
	}
	return address, nil
}

// answers waits until the server takes connections: nothing else says that it does.
func answers(address string) error {
	db, err := sql.Open("postgres", address)
	if err != nil {
		return err
	}
	defer db.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for {
		if err = db.PingContext(ctx); err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// serverBinaries is the folder of initdb and postgres: in PATH, else Debian's newest.
func serverBinaries() (string, error) {
	var folders []string
	if path, err := exec.LookPath("initdb"); err == nil {
		folders = append(folders, filepath.Dir(path))
	}
	debian, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	slices.Sort(debian)
	slices.Reverse(debian)
	for _, folder := range append(folders, debian...) {
		if _, err := os.Stat(filepath.Join(folder, "postgres")); err == nil {
			return folder, nil
		}
	}
	return "", fmt.Errorf("TEST_DATABASE_URL is not set, and no server binaries were found in PATH or /usr/lib/postgresql")
}

func otherUser() (*syscall.Credential, error) {
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, errU := strconv.ParseUint(u.Uid, 10, 32)
		gid, errG := strconv.ParseUint(u.Gid, 10, 32)
		if errU == nil && errG == nil {
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
		}
	}
	return nil, fmt.Errorf("PostgreSQL does not run as root, and there is neither a user postgres nor nobody")
}
