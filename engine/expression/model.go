package expression

// Type says what is known about a value before any record is read; any value may
// be absent all the same. The zero value is Any.
type Type struct {
	text    bool
	object  bool
	open    bool
	members map[string]Type
	every   *Type // what each member of a MapOf is
	element *Type
}

// Any is a value about which nothing is known.
func Any() Type { return Type{} }

// Text is a text.
func Text() Type { return Type{text: true} }

// MapOf is an object of any names whose members all have a type.
func MapOf(member Type) Type { return Type{object: true, open: true, every: &member} }

// Object is an object with these members and no others: another name is an
// error at compile time.
func Object(members map[string]Type) Type { return Type{members: members, object: true} }

// Open is an object in which other names than these are allowed; they are Any.
func Open(members map[string]Type) Type {
	return Type{members: members, object: true, open: true}
}

// ListOf is a list whose elements have a type.
func ListOf(element Type) Type { return Type{element: &element} }

// Entry is what the look-up index knows about a ref.
type Entry struct{ Ref, Kind, Title, Email string }

// Presence is what a look-up found out about a ref.
type Presence uint8

// The presences. Pending is a ref of a phase that is still being read: whether it is
// there is not known yet.
const (
	Absent Presence = iota
	Present
	Pending
)

// Lookup finds a record by its ref. The Entry is filled only with Present.
type Lookup func(ref string) (Entry, Presence)

// Context is the running record, as functions see it.
type Context interface {
	// Record is the record's value; read only.
	Record() map[string]any
	// Ref is the record's own ref.
	Ref() string
	// Lookup finds another record by its ref.
	Lookup(ref string) (Entry, bool)
	// Remember gives what was made under a key for this record, and makes it when nothing
	// was: what several calls of functions have in common.
	Remember(key any, make func(Context) any) any
}

// Function is one function of the language.
type Function struct {
	Name      string
	Signature string // as documentation shows it: `related(type[, kind])`
	Doc       string // one or two sentences
	Examples  []Example
	MinArgs   int
	MaxArgs   int  // -1: any number
	Bare      bool // may stand without parentheses, as `page`
	Gives     Kind // what it gives, apart from nil; AnyKind when it depends
	// Elements is what a list holds that it gives; AnyKind when it depends.
	Elements Kind
	// Knows lists, for an argument, the texts that mean something there: another
	// one that is close to one of them is most likely misspelt. nil for any text.
	Knows func(argument int) []string
	// Owners is the argument for which it gives who owns the record, and Owned
	// the one for what the record owns; both "" when it is about something else.
	Owners, Owned string
	// Reads lists the paths of the record that it reads beside its arguments.
	Reads []string
	// Call must not keep or change args or what they hold. It is called by
	// many goroutines, each with a Context of its own. It gives nil, bool,
	// string, int, float64, []any or map[string]any.
	Call func(ctx Context, args []any) (any, error)

	// shape is how the type of the result follows from that of the first
	// argument, so that members stay strict behind it.
	shape shape
}

// Example is an expression and what it gives; a test runs each.
type Example struct {
	Expr   string
	Record map[string]any // nil: it reads nothing of the record
	Result any
}

type shape uint8

const (
	otherShape   shape = iota
	sameShape          // a list of the same elements, as sort
	elementShape       // one of the elements, as first
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

// String is the kind as messages name it.
func (k Kind) String() string {
	return [...]string{"a value", "missing", "true or false", "a number", "text", "a list", "an object"}[k]
}

// Model is what names mean: the members of a record and the functions of its
// source. The record's own ref is always called `ref`.
type Model struct {
	Names     map[string]Type
	Functions []Function
}

// Define is a named expression, evaluated once per record when first used.
type Define struct{ Name, Text string }

// Want is what an expression is used for.
type Want uint8

const (
	WantAny       Want = iota
	WantCondition      // true or false
	WantText           // one text; nil is no text
	WantList           // a list, or one text as a list of one
)
