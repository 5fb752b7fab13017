package main

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/djsessiontest"
	"github.com/djsess/djsess/djsession/ops"
)

// codeBlock is code in a page of the documentation. kind is the word behind the language, if there is one.
type codeBlock struct{ language, kind, code string }

func codeBlocks(t *testing.T, page string) (all []codeBlock) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", page))
	if err != nil {
		t.Fatal(err)
	}
	for _, match := range regexp.MustCompile("(?ms)^```(\\w+) ?(\\w*)\n(.*?)^```$").FindAllStringSubmatch(string(text), -1) {
		all = append(all, codeBlock{match[1], match[2], match[3]})
	}
	return all
}

// blocks returns the code of a language in a page of the documentation.
func blocks(t *testing.T, page, language string) string {
	t.Helper()
	var code strings.Builder
	for _, block := range codeBlocks(t, page) {
		if block.language == language {
			code.WriteString(block.code)
		}
	}
	if code.Len() == 0 {
		t.Fatalf("%s: no %s", page, language)
	}
	return code.String()
}

// The commands of docs/moving/export.md do what the page says, as they stand there.
func TestExportPage(t *testing.T) {
	const secret = "a-secret-key-of-this-test"
	settings, err := djsession.NewSettings("5.2", secret)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	source, target := emptyDatabase(t, folder, "db.sqlite3", settings), emptyDatabase(t, folder, "new.sqlite3", settings)
	want := storeNumbers(t, source, 20)
	theirs := new(djsession.Values)
	if err := theirs.Set("_auth_user_id", "42"); err != nil {
		t.Fatal(err)
	}
	if err := theirs.Set("n", 42); err != nil {
		t.Fatal(err)
	}
	r, err := source.Create(t.Context(), "", theirs, time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	want[r.Key] = 42
	config := "store = \"main\"\n[settings]\nUSE_TZ = true\n[stores.main]\nurl = \"sqlite:///db.sqlite3\"\n[stores.new]\nurl = \"sqlite:///new.sqlite3\"\n"
	if err := os.WriteFile(filepath.Join(folder, "djsess.toml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "-eu", "-c", blocks(t, "moving/export.md", "sh"))
	cmd.Dir, cmd.Env = folder, append(os.Environ(), "DJANGO_SECRET_KEY="+secret)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	wantNumbers(t, target, want)
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	sum, _, _ := strings.Cut(lines[len(lines)-2], " ")
	if last := `{"sessions":21,"left_out":0,"sha256":"` + sum + `"}`; lines[len(lines)-1] != last {
		t.Errorf("the page's checksum is %q, and the last line %s", sum, lines[len(lines)-1])
	}
	user, err := os.ReadFile(filepath.Join(folder, "user-42.jsonl"))
	if err != nil || strings.Count(string(user), "\n") != 3 || !strings.Contains(string(user), `"_auth_user_id":"42"`) {
		t.Errorf("%v: of the user:\n%s", err, user)
	}
}

// The example of the format is an export.
func TestExportPageFormat(t *testing.T) {
	head, _, _ := strings.Cut(blocks(t, "moving/export.md", "json"), "…")
	sum := sha256.Sum256([]byte(head))
	settings, err := djsession.NewSettings("5.2", "a-secret-key-of-this-test")
	if err != nil {
		t.Fatal(err)
	}
	settings.Now = func() time.Time { return time.Date(2031, 2, 3, 4, 5, 6, 0, time.UTC) }
	settings.SessionSerializer = djsession.Serializers{djsession.PickleSerializer{}}
	text := head + hex.EncodeToString(sum[:]) + "\"}\n"
	report, err := ops.Import(t.Context(), strings.NewReader(text), djsessiontest.NewStore(settings), ops.ImportOptions{})
	if err != nil || *report != (ops.ImportReport{Read: 3, Inserted: 3}) {
		t.Errorf("%+v, %v", report, err)
	}
}
