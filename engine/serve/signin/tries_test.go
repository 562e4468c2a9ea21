package signin

import (
	"fmt"
	"testing"
	"time"
)

// TestMostAddresses: the counts of failures take bounded memory, and the addresses of others never
// keep an address from being tried.
func TestMostAddresses(t *testing.T) {
	var x tries
	now := time.Now()
	for i := range mostAddresses + 100 {
		if !x.fail(now, fmt.Sprint(i)) {
			t.Fatalf("address %d is refused", i)
		}
	}
	if len(x.all) != mostAddresses || x.order.Len() != mostAddresses {
		t.Errorf("%d addresses are counted", len(x.all))
	}
	newest := fmt.Sprint(mostAddresses + 99)
	for range mostFailed - 1 {
		x.fail(now, newest)
	}
	if x.fail(now, newest) {
		t.Error("the newest address is not counted")
	}
	if x.succeeded(newest); !x.fail(now, newest) || x.fail(now, newest) {
		t.Error("a success does not take back one failure")
	}
}
