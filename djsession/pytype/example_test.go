package pytype_test

import (
	"fmt"
	"log"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/pytype"
)

// A basket in a session that Django pickles.
func Example() {
	var v djsession.Values
	for name, value := range map[string]any{
		"price":   pytype.Decimal("19.90"),
		"deliver": pytype.Date{Year: 2031, Month: time.February, Day: 3},
		"colours": pytype.Tuple{"red", "green"},
	} {
		if err := v.Set(name, value); err != nil {
			log.Fatal(err)
		}
	}
	stored, err := djsession.PickleSerializer{}.Append(nil, &v)
	if err != nil {
		log.Fatal(err)
	}

	read, err := djsession.PickleSerializer{}.Parse(stored)
	if err != nil {
		log.Fatal(err)
	}
	var price pytype.Decimal
	if err := read.Get("price", &price); err != nil {
		log.Fatal(err)
	}
	var deliver pytype.Date
	if err := read.Get("deliver", &deliver); err != nil {
		log.Fatal(err)
	}
	var colours any // gets the type that the Python type has
	if err := read.Get("colours", &colours); err != nil {
		log.Fatal(err)
	}
	fmt.Println(price, deliver, deliver.In(time.UTC).Weekday())
	fmt.Printf("%T %v\n", colours, colours)
	// Output:
	// 19.90 2031-02-03 Monday
	// pytype.Tuple [red green]
}

// A session that is JSON holds text. The types read it back.
func Example_json() {
	v, err := djsession.JSONSerializer{}.Parse([]byte(`{"since": "2031-07-02", "open": "09:30:00"}`))
	if err != nil {
		log.Fatal(err)
	}
	var since pytype.Date
	if err := v.Get("since", &since); err != nil {
		log.Fatal(err)
	}
	var open pytype.TimeOfDay
	if err := v.Get("open", &open); err != nil {
		log.Fatal(err)
	}
	fmt.Println(since.Year, open.Hour, open.Minute)
	// Output:
	// 2031 9 30
}
