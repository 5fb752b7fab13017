// Djsess reads and writes the sessions of a Django site. See djsess --help.
package main

import (
	"context"
	"io"
	"os"

	_ "time/tzdata" // TIME_ZONE on machines that have no zone files
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is the whole command; it returns the exit status.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	a := &app{stdin: stdin, stdout: output{stdout}, stderr: stderr}
	a.showWarnings()
	root := a.rootCommand()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	return a.report(root.ExecuteContext(context.Background()))
}

// app is what the subcommands share.
type app struct {
	stdin        io.Reader
	stdout       output
	stderr       io.Writer
	storeNamedBy string // once it is known
	oddSecret    string // what is odd about the SECRET_KEY, if anything is
	flags        struct {
		store         string
		secretKeyFile string
		config        string
		readOnly      bool
		acceptNewKey  bool
	}
}
