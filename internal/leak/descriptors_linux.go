package leak

import "os"

// descriptors counts the open descriptors of the process by what they lead to.
func descriptors() map[string]int {
	const dir = "/proc/self/fd"
	open := map[string]int{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return open // no /proc, as in some containers: nothing is counted, before or after
	}
	for _, e := range entries {
		// The descriptor that read the folder is gone by now, so its link is too.
		if to, err := os.Readlink(dir + "/" + e.Name()); err == nil {
			open[to]++
		}
	}
	return open
}

// wakePoller makes the runtime open the descriptors of its network poller,
// which it keeps for good and would otherwise open during the first test.
func wakePoller() {
	if r, w, err := os.Pipe(); err == nil {
		r.Close()
		w.Close()
	}
}
