package leak

import (
	"os"
	"strings"
	"testing"
	"time"
)

func TestCheckReportsDescriptor(t *testing.T) {
	r := &recorder{TB: t}
	check(r, time.Millisecond)
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if got := r.report(); !strings.Contains(got, "descriptor "+os.DevNull) {
		t.Errorf("the descriptor is not in the report %q", got)
	}
}
