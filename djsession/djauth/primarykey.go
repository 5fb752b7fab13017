package djauth

import (
	"strconv"

	"github.com/djsess/djsess/internal/fieldvalue"
)

// PrimaryKey is a type of primary keys.
type PrimaryKey int

const (
	// Integer is AutoField, BigAutoField and IntegerField: Django's default.
	Integer = PrimaryKey(fieldvalue.Integer)
	// UUID is UUIDField.
	UUID = PrimaryKey(fieldvalue.UUID)
	// Text is CharField, and any other field that is compared as a text.
	Text = PrimaryKey(fieldvalue.Text)
)

// String returns the name of the constant.
func (k PrimaryKey) String() string {
	switch k {
	case Integer:
		return "Integer"
	case UUID:
		return "UUID"
	case Text:
		return "Text"
	}
	return "PrimaryKey(" + strconv.Itoa(int(k)) + ")"
}

// Convert is the field's to_python, followed by value_to_string: it takes an
// _auth_user_id as a session holds it, decoded from JSON into an any, and returns
// the primary key as Django would have written it. So 17, "17" and " 17 " are
// "17", and a UUID may have braces or no hyphens. For a value that is not a primary key
// of this type, ok is false; Django raises a ValidationError.
func (k PrimaryKey) Convert(value any) (id string, ok bool) {
	return fieldvalue.Type(k).Convert(value)
}
