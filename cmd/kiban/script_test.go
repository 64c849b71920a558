package main

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"kiban": main})
}

// Each file in testdata/script runs the program as a user would.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits": exits,
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
