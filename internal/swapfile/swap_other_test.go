//go:build !linux

package swapfile

import (
	"os"
	"testing"
)

func onEachSystem(t *testing.T, f func(t *testing.T)) { t.Run("rename", f) }

var irregular = map[string]func(t *testing.T, path string){
	"folder": func(t *testing.T, path string) {
		if err := os.Mkdir(path, 0o700); err != nil {
			t.Fatal(err)
		}
	},
}
