package djauth_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"math/big"
	"strings"
	"testing"

	"github.com/djsess/djsess/djsession/djauth"
)

// Nothing that prints a user prints the password or an extra column.
func TestUserKeepsSecrets(t *testing.T) {
	user := &djauth.User{ID: "17", Username: "zoe", Password: "md5$hidden", Extra: map[string]any{"token": "hidden"}}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("login", "user", user, "value", *user)
	text, err := json.Marshal(user)
	if err != nil {
		t.Fatal(err)
	}
	for _, shown := range []string{
		fmt.Sprint(user), fmt.Sprintf("%v %+v %#v %s %q", *user, user, user, user, *user), fmt.Sprintf("%+v", []any{*user, user}), log.String(), string(text),
	} {
		if strings.Contains(shown, "hidden") || !strings.Contains(shown, "17") {
			t.Error(shown)
		}
	}
}

func TestNew(t *testing.T) {
	if _, err := djauth.New(nil); err == nil {
		t.Error("no users")
	}
}

func TestConvert(t *testing.T) {
	const uuid = "00112233-4455-6677-8899-aabbccddeeff"
	for _, c := range []struct {
		key   djauth.PrimaryKey
		value any
		want  string // "-" when it is none
	}{
		{djauth.Integer, int64(math.MinInt64), "-9223372036854775808"},
		{djauth.Integer, "\t\x1f1_000\r\n", "1000"},
		{djauth.Integer, "_1", "-"}, {djauth.Integer, "1_", "-"}, {djauth.Integer, "1__0", "-"}, {djauth.Integer, "-_1", "-"},
		{djauth.Integer, "--1", "-"}, {djauth.Integer, "+-1", "-"}, {djauth.Integer, "- 1", "-"}, {djauth.Integer, "0x10", "-"}, {djauth.Integer, "1.0", "-"},
		{djauth.Integer, "-0", "0"}, {djauth.Integer, "9223372036854775808", "-"},
		{djauth.Integer, -1.9, "-1"}, {djauth.Integer, math.NaN(), "-"}, {djauth.Integer, math.Inf(1), "-"}, {djauth.Integer, 1e19, "-"},
		{djauth.Integer, true, "1"}, {djauth.Integer, false, "0"}, {djauth.Integer, nil, "-"}, {djauth.Integer, new(big.Int), "-"},
		{djauth.UUID, "{00112233445566778899AABBCCDDEEFF}", uuid}, {djauth.UUID, "urn:uuid:" + uuid, uuid}, {djauth.UUID, uuid[1:], "-"},
		{djauth.UUID, uuid + "00", "-"}, {djauth.UUID, "", "-"}, {djauth.UUID, nil, "-"}, {djauth.UUID, 1.5, "-"}, {djauth.UUID, int64(-1), "-"},
		{djauth.UUID, int64(255), "00000000-0000-0000-0000-0000000000ff"},
		{djauth.UUID, new(big.Int).Lsh(big.NewInt(1), 127), "80000000-0000-0000-0000-000000000000"},
		{djauth.UUID, new(big.Int).Lsh(big.NewInt(1), 128), "-"}, {djauth.UUID, big.NewInt(-1), "-"},
		{djauth.Text, " a\u00e9 ", " a\u00e9 "}, {djauth.Text, "", ""}, {djauth.Text, "a\x00", "-"}, {djauth.Text, "\xff", "-"},
		{djauth.Text, int64(17), "17"}, {djauth.Text, big.NewInt(18), "18"}, {djauth.Text, nil, "-"}, {djauth.Text, []any{}, "-"},
		{7, "1", "-"},
	} {
		got, ok := c.key.Convert(c.value)
		if !ok {
			got = "-"
		}
		if got != c.want {
			t.Errorf("%d: %#v becomes %q, want %q", c.key, c.value, got, c.want)
		}
	}
}
