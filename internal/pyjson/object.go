package pyjson

// An Object is a dict in its order. Decoding into one makes Objects of the dicts inside it too.
type Object []ObjectMember

// An ObjectMember is one name of an [Object] and its value.
type ObjectMember struct {
	Name  string
	Value any
}

// An objectIndex finds a member by name: by looking at each while there are few, with a map when there are many.
type objectIndex map[string]int

func (x *objectIndex) find(o Object, name string) int {
	if len(o) <= fewMembers {
		for i := range o {
			if o[i].Name == name {
				return i
			}
		}
		return -1
	}
	if *x == nil {
		*x = make(objectIndex, 4*fewMembers)
	}
	for i := len(*x); i < len(o); i++ {
		(*x)[o[i].Name] = i
	}
	if at, ok := (*x)[name]; ok {
		return at
	}
	return -1
}
