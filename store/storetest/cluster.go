package storetest

import (
	"bufio"
	"database/sql"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// Cluster is a PostgreSQL of one test alone, which may stop it. It listens on a port of loopback, so that
// something can stand between it and the program.
type Cluster struct {
	URL  string // of the database postgres, empty at first
	Addr string // host:port

	t        testing.TB
	commands *os.File      // the supervisor's standard input; it closes when this process ends, however it ends
	done     *bufio.Reader // a line for each command carried out
}

// NewCluster starts a PostgreSQL that ends with the test. Without server binaries the test is skipped.
func NewCluster(t testing.TB) *Cluster {
	t.Helper()
	bin, err := serverBinaries()
	if err != nil {
		missing(t, "postgres", err.Error())
	}
	dir, as, err := initCluster(bin)
	if err != nil {
		t.Fatal(err)
	}
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	c := &Cluster{t: t, Addr: fmt.Sprintf("127.0.0.1:%d", port)}
	c.URL = "postgres://postgres@" + c.Addr + "/postgres?sslmode=disable"
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	c.commands = write
	// $1 = the folder, $2 = postgres, $3 = the port. A command is the signal that ends the server, or start.
	// INT is pg_ctl's fast stop, QUIT its immediate one: the server then begins with recovery.
	const supervise = `trap '' INT TERM
while read -r command; do
	case $command in
	start) "$2" -D "$1/data" -k "$1" -p "$3" -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=100 -c shared_buffers=32MB >>"$1/log" 2>&1 </dev/null & pid=$!;;
	*) kill -"$command" $pid; wait $pid;;
	esac
	echo done
done
kill -QUIT $pid
wait $pid
rm -rf "$1"`
	supervisor := exec.Command("/bin/sh", "-c", supervise, "sh", dir, filepath.Join(bin, "postgres"), fmt.Sprint(port))
	supervisor.SysProcAttr, supervisor.Stdin, supervisor.Dir = as, read, "/"
	out, err := supervisor.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.done = bufio.NewReader(out)
	if err := supervisor.Start(); err != nil {
		os.RemoveAll(dir)
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.commands.Close()
		_ = supervisor.Wait()
	})
	c.Start()
	return c
}

// Start starts the server and returns when it takes connections.
func (c *Cluster) Start() {
	c.t.Helper()
	c.tell("start")
	if err := answers(c.URL); err != nil {
		c.t.Fatalf("PostgreSQL did not come up: %v", err)
	}
}

// Stop ends the server and returns when it has ended: fast in good order, else as a crash would.
func (c *Cluster) Stop(fast bool) {
	c.t.Helper()
	if fast {
		c.tell("INT")
	} else {
		c.tell("QUIT")
	}
}

// Terminate ends every connection of the program under test from the server's side, and says how many.
func (c *Cluster) Terminate() (n int) {
	c.t.Helper()
	db, err := sql.Open("postgres", c.URL)
	if err != nil {
		c.t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRow(`SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'efterkurs'`).Scan(&n); err != nil {
		c.t.Fatal(err)
	}
	return n
}

func (c *Cluster) tell(command string) {
	c.t.Helper()
	if _, err := fmt.Fprintln(c.commands, command); err != nil {
		c.t.Fatal(err)
	}
	answer := make(chan error, 1)
	go func() {
		_, err := c.done.ReadString('\n')
		answer <- err
	}()
	select {
	case err := <-answer:
		if err != nil {
			c.t.Fatalf("PostgreSQL's supervisor: %v", err)
		}
	case <-time.After(time.Minute):
		c.t.Fatalf("PostgreSQL did not %s within a minute", command)
	}
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
