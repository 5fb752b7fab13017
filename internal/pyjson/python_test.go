package pyjson

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"testing"
)

// pythonScript answers one line of JSON, [operation, argument], with one line of JSON.
const pythonScript = `
import sys, json
from datetime import datetime, timedelta

def parse_int(digits):
    if len(digits.lstrip("-")) > 4300:
        raise ValueError("too many digits")
    return int(digits)

# Pythons from before the limit are held to it.
kwargs = {} if hasattr(sys, "get_int_max_str_digits") else {"parse_int": parse_int}

def loads(encoding):
    def answer(arg):
        try:
            value = json.loads(bytes.fromhex(arg).decode(encoding), **kwargs)
            return json.dumps(value, separators=(",", ":"))
        except ValueError:
            return None
        except RecursionError:
            return "too deep"
    return answer

def isoformat(arg):
    # date, microsecond and offset apart, so that fromisoformat, which Python 3.6 lacks, is not needed
    seconds, microsecond, offset = arg
    zone = __import__("datetime").timezone(timedelta(seconds=offset))
    t = datetime(1970, 1, 1) + timedelta(seconds=seconds + offset, microseconds=microsecond)
    return t.replace(tzinfo=zone).isoformat()

operations = {
    "latin-1": loads("latin-1"),
    "utf-8": loads("utf-8"),
    "repr": lambda bits: repr(__import__("struct").unpack(">d", bytes.fromhex(bits))[0]),
    "isoformat": isoformat,
}
for line in sys.stdin:
    operation, arg = json.loads(line)
    print(json.dumps(operations[operation](arg)), flush=True)
`

const tooDeep = "too deep"

// A python is a child process that answers with the results of Python's json module.
type python struct {
	in  *json.Encoder
	out *json.Decoder
}

// startPython starts a child process that ends with the test. Without Python the test is skipped. In CI it fails instead.
func startPython(t testing.TB) *python {
	path, err := exec.LookPath("python3")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("CI needs python3: ", err)
		}
		t.Skip("no python3 to compare with")
	}
	cmd := exec.Command(path, "-c", pythonScript)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		io.Copy(io.Discard, out)
		if err := cmd.Wait(); err != nil {
			t.Error("python3: ", err)
		}
	})
	return &python{json.NewEncoder(in), json.NewDecoder(bufio.NewReader(out))}
}

// ask sends an operation with every argument at once, and returns the answers in the same order. nil stands for None.
func (p *python) ask(t testing.TB, operation string, args []any) []*string {
	t.Helper()
	sent := make(chan error, 1)
	go func() {
		for _, arg := range args {
			if err := p.in.Encode([]any{operation, arg}); err != nil {
				sent <- err
				return
			}
		}
		sent <- nil
	}()
	answers := make([]*string, len(args))
	for i := range answers {
		if err := p.out.Decode(&answers[i]); err != nil {
			t.Fatal("python3: ", err)
		}
	}
	if err := <-sent; err != nil {
		t.Fatal("python3: ", err)
	}
	return answers
}

// askTexts returns what Python makes of texts in an encoding.
func (p *python) askTexts(t testing.TB, encoding string, texts []string) []*string {
	t.Helper()
	args := make([]any, len(texts))
	for i, text := range texts {
		args[i] = hex.EncodeToString([]byte(text))
	}
	return p.ask(t, encoding, args)
}
