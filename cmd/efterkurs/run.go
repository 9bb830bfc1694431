package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"

	"github.com/spf13/cobra"

	"efterkurs/reminders"
)

// Exit codes besides 0.
const (
	exitFailed = 1
	exitFaults = 2 // import: some rows were refused and none was written
)

// exit is an error that has been told to the user already; only its code is left to return.
type exit int

func (e exit) Error() string { return fmt.Sprintf("exit %d", int(e)) }

// Run is the whole program: tests start it as main does. It returns the exit code. ctx done means "stop
// in good order".
func Run(ctx context.Context, args []string, env func(string) string, stdin io.Reader, stdout, stderr io.Writer) int {
	p := &program{env: env, stdin: stdin, stdout: stdout, stderr: stderr}
	root := p.commands()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	var code exit
	switch {
	case err == nil:
		return 0
	case errors.As(err, &code):
		return int(code)
	}
	fmt.Fprintln(stderr, "efterkurs:", err)
	return exitFailed
}

// program is what every sub-command shares.
type program struct {
	env            func(string) string
	stdin          io.Reader
	stdout, stderr io.Writer
}

func (p *program) commands() *cobra.Command {
	root := &cobra.Command{
		Use:           "efterkurs",
		Short:         "The bot that stays when the course is over",
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(p.demo(), p.serve(), p.tick(), p.importRoster(), p.status(), p.preview(), p.lint(), p.user(),
		p.export(), p.erase(), p.migrate(), p.backup(), p.doctor(), p.resume(), p.health(), p.version())
	return root
}

func (p *program) version() *cobra.Command {
	return &cobra.Command{Use: "version", Short: "Say which version this is", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(p.stdout, "efterkurs", version())
			return err
		}}
}

// release is set when a release is built: -ldflags "-X main.release=1.2.3".
var release string

func version() string {
	if release != "" {
		return release
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

// invalid is a wrong use of a command, in one sentence.
func invalid(format string, args ...any) error {
	return reminders.Errorf(reminders.EINVALID, format, args...)
}
