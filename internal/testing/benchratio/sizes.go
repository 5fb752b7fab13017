package benchratio

import (
	"os"
	"strconv"
	"strings"
	"testing"
)

// Sizes are the numbers of sessions for the benchmarks of long jobs: those in $DJSESS_BENCH_SESSIONS, such as "10000,1000000".
func Sizes(b *testing.B) (sizes []int) {
	b.Helper()
	list := os.Getenv("DJSESS_BENCH_SESSIONS")
	if list == "" {
		list = "10000"
	}
	for _, text := range strings.Split(list, ",") {
		n, err := strconv.Atoi(text)
		if err != nil {
			b.Fatal("$DJSESS_BENCH_SESSIONS:", err)
		}
		sizes = append(sizes, n)
	}
	return sizes
}
