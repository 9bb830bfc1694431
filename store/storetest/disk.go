package storetest

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Disk is a small disk of a test's own, which it can fill: a tmpfs in a mount namespace that ends with the
// test. Only processes started by Command see it.
type Disk struct {
	Dir string // where Command's processes find it

	t      testing.TB
	enter  []string // nsenter and its arguments
	filler string
}

// NewDisk mounts a disk of so many kilobytes. Where this process may not mount, the test is skipped;
// EFTERKURS_TEST_REQUIRE=mount makes that a failure.
func NewDisk(t testing.TB, kilobytes int) *Disk {
	t.Helper()
	dir := t.TempDir()
	args := []string{"--mount", "--propagation", "private"}
	enter := []string{"--mount"}
	if os.Geteuid() != 0 {
		args = append([]string{"--user", "--map-root-user"}, args...)
		enter = append([]string{"--user", "--preserve-credentials"}, enter...)
	}
	// The holder keeps the namespace alive until its standard input closes, with this process at the latest.
	args = append(args, "sh", "-c", `mount -t tmpfs -o size="$2"k tmpfs "$1" && echo mounted && exec cat >/dev/null`, "sh", dir, strconv.Itoa(kilobytes))
	holder := exec.Command("unshare", args...)
	var why strings.Builder
	holder.Stderr = &why
	in, err := holder.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Start(); err != nil {
		missing(t, "mount", err.Error())
	}
	t.Cleanup(func() {
		in.Close()
		_ = holder.Wait()
	})
	if line, _ := bufio.NewReader(out).ReadString('\n'); line != "mounted\n" {
		in.Close()
		_ = holder.Wait()
		missing(t, "mount", "a disk cannot be mounted here: "+strings.TrimSpace(why.String()))
	}
	return &Disk{Dir: dir, t: t, enter: append([]string{"--target", strconv.Itoa(holder.Process.Pid)}, enter...),
		filler: fmt.Sprintf("/proc/%d/root%s", holder.Process.Pid, filepath.Join(dir, "filler"))}
}

// Command is a program that sees the disk.
func (d *Disk) Command(name string, args ...string) *exec.Cmd {
	return exec.Command("nsenter", append(append(d.enter[:len(d.enter):len(d.enter)], "--", name), args...)...)
}

// Outside is the path by which this process reaches a file on the disk.
func (d *Disk) Outside(file string) string { return filepath.Join(filepath.Dir(d.filler), file) }

// Fill leaves so many bytes free, or as few more as a page allows.
func (d *Disk) Fill(free int) {
	d.t.Helper()
	f, err := os.OpenFile(d.filler, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		d.t.Fatal(err)
	}
	defer f.Close()
	page := make([]byte, 4096)
	for {
		if _, err := f.Write(page); err != nil {
			break // full
		}
	}
	size, err := f.Seek(0, 2)
	if err != nil {
		d.t.Fatal(err)
	}
	if err := f.Truncate(max(0, size-int64(free))); err != nil {
		d.t.Fatal(err)
	}
}

// Free makes room again.
func (d *Disk) Free() {
	d.t.Helper()
	if err := os.Remove(d.filler); err != nil {
		d.t.Fatal(err)
	}
}
