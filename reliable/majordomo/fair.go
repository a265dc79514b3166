package majordomo

import (
	"container/list"
	"slices"
)

// fairQueue gives the requests of each client in their order, and the clients
// in turn. RFC 7 "Overall Topology": the broker serves clients on a fair basis.
type fairQueue struct {
	n, size int       // requests, and their sizes
	turns   list.List // of *line
	lines   map[string]*list.Element
}

// line is what one client has queued.
type line struct {
	client string
	again  []*job // put in front, the next one last: so none moves for the next
	jobs   []*job // behind them, in order
}

// put queues a job: behind those of its client, or before all others.
func (q *fairQueue) put(j *job, front bool) {
	q.n++
	q.size += j.size
	if q.lines == nil {
		q.lines = map[string]*list.Element{}
	}
	e := q.lines[string(j.address)]
	if e == nil {
		l := &line{client: string(j.address)}
		e = q.turns.PushBack(l)
		q.lines[l.client] = e
	}
	l := e.Value.(*line)
	if !front {
		l.jobs = append(l.jobs, j)
		return
	}
	l.again = append(l.again, j)
	q.turns.MoveToFront(e)
}

// take takes the next job. There is one.
func (q *fairQueue) take() *job {
	e := q.turns.Front()
	j := e.Value.(*line).next()
	q.n--
	q.size -= j.size
	q.turns.MoveToBack(e)
	q.drop(e)
	return j
}

// takeIf takes the jobs that a test picks, wherever they stand.
func (q *fairQueue) takeIf(picks func(*job) bool) (taken []*job) {
	for e := q.turns.Front(); e != nil; {
		next := e.Next()
		l := e.Value.(*line)
		first := len(taken)
		l.again = sift(l.again, picks, &taken)
		slices.Reverse(taken[first:])
		l.jobs = sift(l.jobs, picks, &taken)
		for _, j := range taken[first:] {
			q.n--
			q.size -= j.size
		}
		q.drop(e)
		e = next
	}
	return taken
}

// sift moves the jobs that a test picks to those that are taken.
func sift(jobs []*job, picks func(*job) bool, taken *[]*job) (kept []*job) {
	kept = jobs[:0]
	for _, j := range jobs {
		if picks(j) {
			*taken = append(*taken, j)
		} else {
			kept = append(kept, j)
		}
	}
	clear(jobs[len(kept):])
	return kept
}

// next takes the first job of a line.
func (l *line) next() *job {
	if last := len(l.again) - 1; last >= 0 {
		j := l.again[last]
		l.again[last] = nil
		l.again = l.again[:last]
		return j
	}
	j := l.jobs[0]
	l.jobs[0] = nil
	l.jobs = l.jobs[1:]
	return j
}

// drop forgets a line that is empty.
func (q *fairQueue) drop(e *list.Element) {
	if l := e.Value.(*line); len(l.again)+len(l.jobs) == 0 {
		q.turns.Remove(e)
		delete(q.lines, l.client)
	}
}
