package page

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kiban-models/kiban/materials/corpus"
	"github.com/kiban-models/kiban/materials/example"
)

// chromium runs the browser on a file without a window and returns what it
// prints.
func chromium(t *testing.T, file string, args ...string) string {
	t.Helper()
	name, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("KIBAN_REQUIRE_CHROMIUM") == "1" {
			t.Fatal("no chromium to open the page with")
		}
		t.Skip("no chromium; KIBAN_REQUIRE_CHROMIUM=1 makes this a failure")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	args = append([]string{
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-extensions",
		"--disable-background-networking", "--user-data-dir=" + t.TempDir(),
	}, args...)
	cmd := exec.CommandContext(ctx, name, append(args, "file://"+file)...)
	cmd.WaitDelay = 5 * time.Second
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("chromium: %v", err)
	}
	return string(out)
}

// TestChromium opens a page in a browser: the marks that are there when it has
// read the page are the text's own characters.
func TestChromium(t *testing.T) {
	docs := append(hard(), random(60)...)
	all, err := example.Abstracts()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all[:10] {
		docs = append(docs, &a.Annotated)
	}
	file := write(t, Options{PerPage: 1000}, docs...)[0]
	got := read(t, chromium(t, file, "--dump-dom"))
	compare(t, got, docs)
}

// TestScreenshot draws a page. KIBAN_SCREENSHOT names where the picture goes.
func TestScreenshot(t *testing.T) {
	picture := os.Getenv("KIBAN_SCREENSHOT")
	if picture == "" {
		picture = filepath.Join(t.TempDir(), "page.png")
	}
	all, err := example.Abstracts()
	if err != nil {
		t.Fatal(err)
	}
	var docs []*corpus.Annotated
	for i, a := range all[4:7] {
		for k := range a.Entities {
			a.Entities[k].Score = 1 - float64((k*7+i)%11)/20
		}
		docs = append(docs, &a.Annotated)
	}
	docs[0].Relations = []corpus.Relation{{Label: "made by", Head: 0, Tail: 3, Score: 0.91}, {Label: "has", Head: 0, Tail: 5, Score: 0.78}}
	nested := hard()[4]
	docs = append(docs, nested)
	args := []string{"--screenshot=" + picture, "--window-size=1000,2400", "--hide-scrollbars"}
	if os.Getenv("KIBAN_SCREENSHOT_DARK") != "" {
		args = append(args, "--force-dark-mode", "--blink-settings=preferredColorScheme=0")
	}
	chromium(t, write(t, Options{Title: "Entities of four abstracts", Generator: "kiban with the model ner"}, docs...)[0], args...)
	b, err := os.ReadFile(picture)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(b), "\x89PNG") || len(b) < 20_000 {
		t.Errorf("the picture has %d bytes", len(b))
	}
}
