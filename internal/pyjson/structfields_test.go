//lint:file-ignore SA5008 the test compares faulty tags with encoding/json, too

package pyjson

import (
	"encoding/json"
	"math/big"
	"reflect"
	"testing"
	"time"
)

type (
	inner struct {
		X      int
		Shadow string
		Both   int
	}
	Other struct {
		Both   int
		Y      string `json:"y"`
		Tagged int    `json:"Winner"`
	}
	third struct {
		Winner int
		Z      bool
	}
	Deep     struct{ Other }
	exported struct {
		Deep
		Deeper *Deep
	}
	number  int
	Recurse struct {
		Name string
		Next *Recurse `json:",omitempty"`
		*Embedded
	}
	Embedded struct {
		E int
		*Recurse
	}
)

// structs are written by this package and by encoding/json, whose rules must apply.
var structs = []any{
	struct{}{},
	struct {
		A, B  int
		c     int
		D     string `json:"d"`
		E     string `json:"-"`
		F     string `json:"-,"`
		G     string `json:"with space"`
		H     string `json:"bad\"name"`
		I     string `json:",omitempty"`
		Lower string `json:"é"`
	}{A: 1, c: 2, D: "x", E: "y", F: "z", G: "g", H: "h", Lower: "l"},
	struct {
		inner
		Other
		Shadow int
	}{inner{1, "a", 2}, Other{3, "y", 4}, 5},
	struct {
		Other
		third
	}{Other{1, "y", 2}, third{3, true}},
	struct {
		*Other
		X int
	}{nil, 1},
	struct {
		*Other `json:"named"`
		X      int
	}{&Other{1, "y", 2}, 1},
	exported{Deep{Other{1, "y", 2}}, nil},
	struct {
		Deep
		Other
	}{Deep{Other{1, "a", 2}}, Other{3, "b", 4}},
	struct {
		number
		N number
	}{1, 2},
	struct {
		A int               `json:",omitempty"`
		B string            `json:",omitempty"`
		C []int             `json:",omitempty"`
		D map[string]int    `json:",omitempty"`
		E *int              `json:",omitempty"`
		F any               `json:",omitempty"`
		G struct{ X int }   `json:",omitempty"`
		H [0]int            `json:",omitempty"`
		I bool              `json:"i,omitempty"`
		J time.Duration     `json:",omitempty"`
		K [1]int            `json:",omitempty"`
		L *struct{ X int }  `json:",omitempty"`
		M map[string]string `json:"m,omitempty"`
	}{C: []int{}, D: map[string]int{}, L: &struct{ X int }{}},
	struct {
		A int              `json:",omitzero"`
		B struct{ X int }  `json:",omitzero"`
		C big.Int          `json:",omitzero"`
		D neverZero        `json:",omitzero"`
		E *neverZero       `json:",omitzero"`
		F []int            `json:",omitzero"`
		G []int            `json:",omitzero"`
		H any              `json:",omitzero"`
		I alwaysZero       `json:",omitzero"`
		J [2]int           `json:",omitzero"`
		K map[string]int   `json:",omitzero"`
		L pointerZero      `json:",omitzero"`
		M *struct{ X int } `json:",omitempty,omitzero"`
	}{G: []int{}, I: 1, K: map[string]int{}, M: &struct{ X int }{}},
	struct {
		A int         `json:",string"`
		B float64     `json:",string"`
		C bool        `json:",string"`
		D string      `json:",string"`
		E *int        `json:",string"`
		F *int        `json:",string"`
		G []int       `json:",string"`
		H json.Number `json:",string"`
		I uint8       `json:"i,omitempty,string"`
		J number      `json:",string"`
	}{A: 1, B: 1.5, C: true, D: "a\"", E: new(int), H: "12", I: 3, J: 4},
	Recurse{Name: "a", Next: &Recurse{Name: "b"}},
	struct {
		T textType
		P *textType
		J jsonType
		Q *jsonType
		B []byte
		I any
		A [2]bool
		N *big.Int
		M map[int]map[uint8]string
	}{T: textType{"t"}, J: jsonType{"1"}, Q: &jsonType{`[2]`}, B: []byte("bytes"), I: "any", N: big.NewInt(5), M: map[int]map[uint8]string{2: {3: "x"}, -1: nil}},
}

type neverZero int

func (neverZero) IsZero() bool { return false }

type alwaysZero int

func (alwaysZero) IsZero() bool { return true }

type pointerZero int

func (*pointerZero) IsZero() bool { return true }

func TestStructsLikeEncodingJSON(t *testing.T) {
	for _, v := range structs {
		// A value with an address and one without: methods on pointers need an address.
		p := reflect.New(reflect.TypeOf(v))
		p.Elem().Set(reflect.ValueOf(v))
		for _, v := range []any{v, p.Interface()} {
			theirs, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			want, err := Normalize(string(theirs), Limits{})
			if err != nil {
				t.Fatal(err)
			}
			got, err := Append(nil, v)
			if err != nil || string(got) != want {
				t.Errorf("%T:\n got %s, %v\nwant %s", v, got, err, want)
			}
		}
	}
}

func TestStructsReadLikeEncodingJSON(t *testing.T) {
	for _, v := range structs {
		p := reflect.New(reflect.TypeOf(v))
		p.Elem().Set(reflect.ValueOf(v))
		text, err := json.Marshal(p.Interface())
		if err != nil {
			t.Fatal(err)
		}
		theirs, ours := reflect.New(reflect.TypeOf(v)), reflect.New(reflect.TypeOf(v))
		if err := json.Unmarshal(text, theirs.Interface()); err != nil {
			t.Fatal(err)
		}
		ascii, err := Normalize(string(text), Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if err := Unmarshal(ascii, ours.Interface()); err != nil || !reflect.DeepEqual(ours.Interface(), theirs.Interface()) {
			t.Errorf("%s:\n got %+v, %v\nwant %+v", ascii, ours.Elem(), err, theirs.Elem())
		}
	}
}

func TestFieldNamesMatchExactlyFirst(t *testing.T) {
	var dst struct {
		Lower int `json:"name"`
		Upper int `json:"NAME"`
		Other int `json:"Other"`
	}
	if err := Unmarshal(`{"NAME":1,"name":2,"oTHER":3}`, &dst); err != nil || dst.Upper != 1 || dst.Lower != 2 || dst.Other != 3 {
		t.Errorf("got %+v, %v", dst, err)
	}
}

func TestFloatsInStringOption(t *testing.T) {
	v := struct {
		F float64 `json:",string"`
	}{1}
	got, err := Append(nil, v)
	if want := `{"F":"1.0"}`; err != nil || string(got) != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
}
