package component

import "context"

// A record of an attached phase belongs to a record of an earlier phase, its host: a page of
// documentation belongs to the entity that it documents. It is found by exactly the people who
// find the host's item: the permission rules are not evaluated for it. Without a delivered item
// of the host, no attached record is delivered (invariant 2).

// Hoster is the optional capability of a model whose refs may be those of attached records.
type Hoster interface {
	// HostOf returns the ref of the host of an attached record; attached is false for any other
	// ref. It depends on the ref alone, so hidden lists, baselines and runs agree about it.
	HostOf(ref string) (host string, attached bool)
}

// Hosts is the method HostOf of a model.
type Hosts func(ref string) (host string, attached bool)

// HostsOf returns the HostOf of a model; one that knows no attached records when the model has
// none.
func HostsOf(m any) Hosts {
	if h, can := m.(Hoster); can {
		return h.HostOf
	}
	return func(string) (string, bool) { return "", false }
}

// Attacher is the optional capability of a source to read attached phases. Read is never called
// for them.
type Attacher interface {
	// Hosts returns the refs of the hosts that may have attached records, in the order of
	// reading and each once, and how many may be read at the same time. It is called once,
	// after all earlier phases were read.
	Hosts(phase Phase) (hosts []string, atOnce int)
	// ReadHost reads the attached records of one host. emit may be called only from the calling
	// goroutine, and what it received counts only when the result is AttachedRead. An error ends
	// the run: a host that cannot be read is AttachedUnread. ReadHost is called from several
	// goroutines.
	ReadHost(ctx context.Context, phase Phase, host string, last AttachedMark, emit Emit) (Attached, error)
}

// AttachedMark is the Attached.Mark of the last good run; "" when there is none. Valid means
// that the sink holds what was read then, and that AttachedSame is a possible result.
type AttachedMark struct {
	Mark  string
	Valid bool
}

// Attached is the result of reading the attached records of a host.
type Attached struct {
	State AttachedState
	// Mark identifies what was read, for the next run; "" means that it cannot be compared. The
	// mark of AttachedUnread replaces that of the last good run unless it is "".
	Mark string
	// Reason is why the state is AttachedUnread or AttachedGone.
	Reason string
}

// AttachedState is the state of the attached records of a host.
type AttachedState uint8

// The states. The zero value keeps what the sink holds.
const (
	// AttachedUnread means that the records could not be read: those that the sink holds stay,
	// with the permissions that the host has now.
	AttachedUnread AttachedState = iota
	// AttachedRead means that all of them were emitted.
	AttachedRead
	// AttachedSame means that they are those of the mark.
	AttachedSame
	// AttachedGone means that the host is known to have none.
	AttachedGone
)

// Keeper is the optional capability of a session to change who finds an item whose content it
// does not receive. Only a session that is a Changer may have it.
type Keeper interface {
	// Keep returns an item that stays in the sink as it is, with the permissions of item. ID
	// and Type are those under which the sink holds it. The Body holds only what is needed to
	// change permissions, and Encoded.Kept is true.
	Keep(item *Item, id, typ string) (Encoded, error)
}
