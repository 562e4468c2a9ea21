package expression

// Type is what is known about a value before any record is read; any value may nevertheless be
// absent. The zero value is Any.
type Type struct {
	text    bool
	object  bool
	open    bool
	members map[string]Type
	every   *Type // type of the members of a MapOf
	element *Type
}

// Any returns the type of a value about which nothing is known.
func Any() Type { return Type{} }

// Text returns the type of a text.
func Text() Type { return Type{text: true} }

// MapOf returns the type of an object with any names, whose members have the given type.
func MapOf(member Type) Type { return Type{object: true, open: true, every: &member} }

// Object returns the type of an object with only these members: another name is an error at
// compile time.
func Object(members map[string]Type) Type { return Type{members: members, object: true} }

// Open returns the type of an object with these members and any others, which are Any.
func Open(members map[string]Type) Type {
	return Type{members: members, object: true, open: true}
}

// ListOf returns the type of a list whose elements have the given type.
func ListOf(element Type) Type { return Type{element: &element} }

// Entry is what the look-up index knows about a ref.
type Entry struct{ Ref, Kind, Title, Email string }

// Presence is the result of looking up a ref.
type Presence uint8

// The presences. Pending is a ref of a phase that is still being read: whether the record
// exists is not known yet.
const (
	Absent Presence = iota
	Present
	Pending
)

// Lookup finds a record by its ref. The Entry is set only with Present.
type Lookup func(ref string) (Entry, Presence)

// Context is the current record for functions.
type Context interface {
	// Record returns the record's value, which must not be modified.
	Record() map[string]any
	// Ref returns the record's own ref.
	Ref() string
	// Lookup finds another record by its ref.
	Lookup(ref string) (Entry, bool)
	// Remember returns the cached value of a key for this record, and calls make when there is
	// none. Calls of functions share values with it.
	Remember(key any, make func(Context) any) any
}

// Function is a function of the language.
type Function struct {
	Name      string
	Signature string // as in the documentation: `related(type[, kind])`
	Doc       string // one or two sentences
	Examples  []Example
	MinArgs   int
	MaxArgs   int // -1: any number
	// Bare means that it may be used without parentheses, such as `page`. A name of the record
	// may be the same; it is then meant only with a member, as in `page.title`.
	Bare  bool
	Gives Kind // kind of the result if it is not nil; AnyKind when it varies
	// Elements is the kind of the elements of a returned list; AnyKind when it varies.
	Elements Kind
	// Knows returns, for an argument, the texts that have a meaning: a similar text is most
	// likely misspelt. nil allows any text.
	Knows func(argument int) []string
	// Owners is the argument for the owners of the record, and Owned the argument for what the
	// record owns; both are "" when the function is about something else.
	Owners, Owned string
	// Reads are the paths of the record that the function reads, in addition to its arguments.
	Reads []string
	// Call must not keep or modify args or their contents. It is called from many goroutines,
	// each with its own Context. It returns nil, bool, string, int, float64, []any or
	// map[string]any.
	Call func(ctx Context, args []any) (any, error)

	// shape is how the type of the result follows from that of the first argument, which keeps
	// checks of its members strict.
	shape shape
}

// Example is an expression and its result; a test runs every example.
type Example struct {
	Expr   string
	Record map[string]any // nil when the expression does not read the record
	Result any
}

type shape uint8

const (
	otherShape   shape = iota
	sameShape          // a list of the same elements, such as sort
	elementShape       // one of the elements, such as first
)

// Kind is the coarse type of a value.
type Kind uint8

const (
	AnyKind Kind = iota // not known
	NilKind
	BoolKind
	NumberKind
	TextKind
	ListKind
	ObjectKind
)

// String returns the name of the kind in messages.
func (k Kind) String() string {
	return [...]string{"a value", "missing", "true or false", "a number", "text", "a list", "an object"}[k]
}

// Model defines names: the members of a record and the functions of its source. The record's
// own ref is always called `ref`.
type Model struct {
	Names     map[string]Type
	Functions []Function
}

// Define is a named expression, evaluated once per record when first used.
type Define struct{ Name, Text string }

// Want is the purpose of an expression.
type Want uint8

const (
	WantAny       Want = iota
	WantCondition      // true or false
	WantText           // one text; nil means no text
	WantList           // a list, or one text as a list of one
)
