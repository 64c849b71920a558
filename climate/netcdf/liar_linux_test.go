//go:build cgo && !nonetcdf

package netcdf

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// lie is a reading process that somebody has taken over: the tests start it in
// the place of ours.
func lie() {
	how := os.Getenv("KIBAN_TEST_LIE")
	if how == "" || len(os.Args) != 2 || os.Args[1] != servesArgument {
		return
	}
	content := encodeContent(content{"NetCDF-4", Group{
		Dimensions: []Dimension{{"x", 3, false}},
		Variables:  []Variable{{Name: "v", Type: "float", Dimensions: []string{"x"}, Shape: []int{3}}},
	}})
	good := append(appendFrameHead(nil, frameContent, "", len(content)), content...)
	if how == "escape" {
		if err := confine(); err != nil {
			panic(err)
		}
	}
	next := func() { receiveRequest() }
	next()
	switch how {
	case "noise":
		send([]byte(strings.Repeat("noise ", 100)))
	case "silence":
		os.Exit(0)
	case "panic":
		panic("something is wrong")
	case "long content":
		send(appendFrameHead(nil, frameContent, "", mostContent+1))
	case "bad content":
		send(append(appendFrameHead(nil, frameContent, "", 20), strings.Repeat("\xff", 20)...))
	case "short content":
		send(good[:len(good)-3])
		os.Exit(0)
	case "values for content":
		send(append(appendFrameHead(nil, frameValues, "float", 12), make([]byte, 12)...))
	case "two contents":
		send(append(good, good...))
		next()
	case "escape":
		text := escape()
		send(append(appendFrameHead(nil, frameError, "", len(text)), text...))
		os.Exit(0)
	case "error":
		send(append(appendFrameHead(nil, frameError, "", 9), "a\x1b[31m\nb\xff"...))
		os.Exit(0)
	case "wrong type", "long values", "short values", "huge values":
		send(good)
		next()
		switch how {
		case "wrong type":
			send(append(appendFrameHead(nil, frameValues, "int", 12), make([]byte, 12)...))
		case "long values":
			send(append(appendFrameHead(nil, frameValues, "float", 16), make([]byte, 16)...))
		case "short values":
			send(append(appendFrameHead(nil, frameValues, "float", 12), make([]byte, 8)...))
			os.Exit(3)
		case "huge values":
			send(append(appendFrameHead(nil, frameValues, "float", 1<<62), make([]byte, 8)...))
		}
	}
	// It stays, too.
	for {
		unix.Pause()
	}
}

// escape tries what a reading process must not do.
func escape() string {
	self := "/proc/self/exe"
	name := filepath.Join(os.TempDir(), fmt.Sprint("escaped-", os.Getpid()))
	done := ""
	for what, try := range map[string]func() error{
		"write":   func() error { return os.WriteFile(name, nil, 0o600) },
		"mkdir":   func() error { return os.Mkdir(name, 0o700) },
		"remove":  func() error { return os.Remove(os.Getenv("KIBAN_TEST_PREY")) },
		"rename":  func() error { return os.Rename(os.Getenv("KIBAN_TEST_PREY"), name) },
		"cut":     func() error { return os.Truncate(os.Getenv("KIBAN_TEST_PREY"), 0) },
		"run":     func() error { return unix.Exec(self, []string{self, "-h"}, nil) },
		"start":   func() error { return exec.Command(self, "-h").Start() },
		"connect": func() error { _, err := net.Dial("udp", "127.0.0.1:9"); return err },
		"kill":    func() error { return unix.Kill(os.Getppid(), 0) },
	} {
		if try() == nil {
			done += " " + what
		}
	}
	if done == "" {
		return "nothing is possible"
	}
	return "possible:" + done
}

// A process that answers what nobody asked for is ended, and that is an error.
func TestLiar(t *testing.T) {
	noneLeft(t)
	path := bigSample(t, 1, 1)
	prey := filepath.Join(t.TempDir(), "prey")
	must(t, os.WriteFile(prey, []byte("x"), 0o600))
	t.Setenv("KIBAN_TEST_PREY", prey)
	for how, want := range map[string]string{
		"noise":              "sent what it should not",
		"silence":            "the process that read it ended (code 0)",
		"panic":              "the process that read it ended (code 2: panic: something is wrong",
		"long content":       "sent what it should not",
		"bad content":        "sent what it should not",
		"short content":      "the process that read it ended (code 0)",
		"values for content": "sent what it should not",
		"two contents":       "sent what it should not",
		"error":              "a [31m b?",
		"escape":             "nothing is possible",
		"wrong type":         "sent what it should not",
		"long values":        "sent what it should not",
		"short values":       "the process that read it ended (code 3)",
		"huge values":        "sent what it should not",
	} {
		t.Setenv("KIBAN_TEST_LIE", how)
		f, err := Open(path)
		if err == nil {
			_, err = f.ReadFloat64("v", nil, nil)
			must(t, f.Close())
		}
		// Nothing was asked when the second content came: the process is new.
		if how == "two contents" && err != nil && strings.Contains(err.Error(), errAgain.Error()) {
			continue
		}
		if err == nil || !strings.HasPrefix(err.Error(), path+": ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", how, err, want)
		}
	}
	t.Setenv("KIBAN_TEST_LIE", "")
	noneLeft(t)
}
