package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/kiban-models/kiban/climate/netcdf"
)

func TestMain(m *testing.M) {
	netcdf.Isolate()
	plantedFault = faultOf(os.Getenv("KIBAN_TEST_FAULT"))
	testscript.Main(m, map[string]func(){"kiban": main, "measured": measured})
}

// measured FILE CMD… runs a command, writes the most memory that it had, in
// bytes, to a file, and ends as it did. What the kernel tells the parent of a
// process begins with the parent's own memory, which for a test may be large.
func measured() {
	cmd := exec.Command(os.Args[2], os.Args[3:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	err := cmd.Run()
	if cmd.ProcessState == nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(127)
	}
	if err := os.WriteFile(os.Args[1], fmt.Append(nil, peakMemory(cmd.ProcessState)), 0o666); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(127)
	}
	endAs(cmd.ProcessState)
}

// Each file in testdata/script runs the program as a user would.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits": exits,
			"json":  isJSON,
		},
		Setup: func(e *testscript.Env) error {
			// Settings of whoever runs the tests must not reach the program.
			for _, name := range []string{"KIBAN_THREADS", "KIBAN_DEVICE", "NO_COLOR", "FORCE_COLOR"} {
				if err := os.Unsetenv(name); err != nil {
					return err
				}
			}
			return nil
		},
	})
}

// exits N STDOUT STDERR CMD… runs a command, checks its exit code, and keeps
// its streams in two files.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 4 {
		ts.Fatalf("usage: exits N STDOUT STDERR CMD…")
	}
	sh := `"$@" >"$OUT" 2>"$ERR" </dev/null; echo $?`
	ts.Setenv("OUT", ts.MkAbs(args[1]))
	ts.Setenv("ERR", ts.MkAbs(args[2]))
	if err := ts.Exec("sh", append([]string{"-c", sh, "sh"}, args[3:]...)...); err != nil {
		ts.Fatalf("%v", err)
	}
	if got := ts.ReadFile("stdout"); got != args[0]+"\n" {
		ts.Fatalf("%v exits %swant %s; stderr: %s", args[3:], got, args[0], ts.ReadFile(args[2]))
	}
}

// isJSON FILE wants one or more JSON values in a file, and nothing else.
func isJSON(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: json FILE")
	}
	d := json.NewDecoder(strings.NewReader(ts.ReadFile(args[0])))
	for n := 0; ; n++ {
		var v any
		err := d.Decode(&v)
		if errors.Is(err, io.EOF) && n > 0 {
			return
		}
		if err != nil {
			ts.Fatalf("%s: value %d: %v", args[0], n+1, err)
		}
	}
}
