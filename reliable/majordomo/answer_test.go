package majordomo

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/zmqtest"
)

// A request with a key is executed once, for as many as ask it, and its reply
// is kept as long as the cache says.
func TestKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, BrokerConfig{ReplyCache: time.Minute})
		times := 0
		h.worker("pay", WorkerConfig{Concurrency: 10}, func(ctx context.Context, r *Request) error {
			times++
			if r.Key != "order-1" {
				t.Errorf("key %q", r.Key)
			}
			pass(time.Second)
			return r.Reply(fmt.Append(nil, "payment ", times))
		})
		call := Call{Service: "pay", Key: "order-1", Frames: [][]byte{[]byte("10")}}
		want := func(c *Client, reply string) {
			t.Helper()
			got, err := c.Do(within(t), call)
			if err != nil || !equal(strs(got), []string{reply}) {
				t.Error(strs(got), err)
			}
		}
		var asking sync.WaitGroup
		for range 20 { // more than are remembered: the first ask again
			c := h.client(ClientConfig{})
			asking.Go(func() { want(c, "payment 1") })
		}
		asking.Wait()
		c := h.client(ClientConfig{})
		want(c, "payment 1")
		pass(50 * time.Second)
		want(c, "payment 1")
		pass(12 * time.Second)
		want(c, "payment 2")
		if st := h.broker.Stats(); st.CacheHits < 2 || times != 2 {
			t.Errorf("%+v, executed %d times", st, times)
		}
		other := call
		other.Frames = [][]byte{[]byte("20")}
		if _, err := c.Do(within(t), other); !errors.Is(err, ErrConflict) {
			t.Error("another request with the key:", err)
		}
	})
}

// A stream is kept with all its parts.
func TestKeyOfAStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, BrokerConfig{ReplyCache: time.Minute})
		h.worker("count", WorkerConfig{}, func(_ context.Context, r *Request) error {
			return errors.Join(r.Partial([]byte("1")), r.Partial([]byte("2")), r.Reply([]byte("3")))
		})
		for range 2 {
			got, err := h.client(ClientConfig{}).Do(within(t), Call{Service: "count", Key: "k", Frames: [][]byte{nil}})
			if err != nil || !equal(strs(got), []string{"1", "2", "3"}) {
				t.Error(strs(got), err)
			}
		}
		if n := h.broker.Stats().CacheHits; n != 1 {
			t.Errorf("%d cache hits", n)
		}
	})
}

// The cache keeps no more than its octets.
func TestCacheIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, BrokerConfig{ReplyCache: time.Hour, ReplyCacheBytes: 10 * (100 + frameCost)})
		h.worker("echo", WorkerConfig{}, echo)
		c := h.client(ClientConfig{})
		for i := range 100 {
			if _, err := c.Do(within(t), Call{Service: "echo", Key: fmt.Sprint(i), Frames: [][]byte{make([]byte, 100)}}); err != nil {
				t.Fatal(err)
			}
		}
		m := h.broker.machine
		if err := h.broker.Close(); err != nil {
			t.Fatal(err)
		}
		if m.cache.Len() != 10 || m.cached != 10*(100+frameCost) || len(m.keys) != 10 {
			t.Errorf("%d answers, %d octets, %d keys", m.cache.Len(), m.cached, len(m.keys))
		}
	})
}

// memory is a Store. One method is called at a time, so what All yields is whole.
type memory struct {
	kept   map[string]StoredRequest
	err    error
	inside bool // All is under way
}

var errInside = errors.New("called within All")

func (s *memory) Put(r StoredRequest) error {
	if s.inside {
		return errInside
	}
	s.kept[r.Key] = r
	return s.err
}

func (s *memory) Delete(_, key string) error {
	if s.inside {
		return errInside
	}
	delete(s.kept, key)
	return s.err
}

func (s *memory) All() iter.Seq2[StoredRequest, error] {
	return func(yield func(StoredRequest, error) bool) {
		s.inside = true
		defer func() { s.inside = false }()
		for _, k := range slices.Sorted(maps.Keys(s.kept)) {
			if !yield(s.kept[k], s.err) {
				return
			}
		}
	}
}

// What was stored when the broker died is done when it is back, and who asks
// again gets the reply.
func TestStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &memory{kept: map[string]StoredRequest{}}
		cfg := BrokerConfig{Store: store, ReplyCache: time.Hour}
		h := newHouse(t, cfg)
		ask := func(ctx context.Context, key string) ([][]byte, error) {
			return h.client(ClientConfig{Attempts: 1}).Do(ctx, Call{Service: "echo", Key: key, Frames: [][]byte{[]byte(key)}})
		}
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		for _, key := range []string{"a", "b"} {
			if _, err := ask(short, key); err == nil {
				t.Error("answered by nobody")
			}
		}
		if err := h.broker.Close(); err != nil {
			t.Fatal(err)
		}
		store.kept["c"] = StoredRequest{Service: "echo", Key: "c", Body: [][]byte{[]byte("c")}}
		h.start(cfg)
		done := 0
		h.worker("echo", WorkerConfig{}, func(ctx context.Context, r *Request) error { done++; return echo(ctx, r) })
		pass(time.Minute)
		if len(store.kept) != 0 || done != 1 { // the time of a and b was over
			t.Errorf("%v, %d done", store.kept, done)
		}
		if reply, err := ask(t.Context(), "c"); err != nil || string(reply[0]) != "c" || done != 1 {
			t.Error(strs(reply), err, done)
		}
		store.err = errors.New("disk full")
		if _, err := ask(t.Context(), "d"); !errors.Is(err, ErrBusy) {
			t.Error(err)
		}
		h.log.want(t, "disk full")
	})
}

// What a broker took in it takes in again when it starts: also where workers offered
// some of the services, and now nobody offers any.
func TestStoreOfAFullBroker(t *testing.T) {
	store := &memory{kept: map[string]StoredRequest{}}
	cfg := BrokerConfig{MaxServices: 1, Store: store}
	s := newStage(t, cfg)
	s.from("w", mdp2.ready("offered")...)
	s.from("c1", numbered{1, "key 1"}.client(request, "offered", "x")...)
	s.from("c2", numbered{1, "key 2"}.client(request, "not offered", "x")...)
	if len(store.kept) != 2 {
		t.Fatalf("%d requests are kept", len(store.kept))
	}
	s = newStage(t, cfg)
	if err := s.m.load(); err != nil {
		t.Error(err)
	}
	s.check()
	if len(s.m.jobs) != 2 {
		t.Errorf("%d requests are loaded", len(s.m.jobs))
	}
}

// A store that can't be read ends Serve.
func TestStoreFails(t *testing.T) {
	store := &memory{kept: map[string]StoredRequest{"a": {}}, err: errors.New("bad disk")}
	b, err := NewBroker(BrokerConfig{Store: store})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if err := b.Serve(within(t)); !errors.Is(err, store.err) {
		t.Error(err)
	}
	if err := b.Serve(within(t)); !errors.Is(err, ErrClosed) {
		t.Error("the second Serve:", err)
	}
}

// A reply that is larger than the cache is not kept, and who comes late has to
// ask again when it is over.
func TestLargeReplyIsNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, BrokerConfig{ReplyCache: time.Hour, ReplyCacheBytes: 100})
		times := 0
		h.worker("big", WorkerConfig{}, func(_ context.Context, r *Request) error {
			times++
			for range 5 {
				if err := r.Partial(make([]byte, 50)); err != nil {
					return err
				}
			}
			pass(time.Second)
			return r.Reply([]byte("end"))
		})
		call := Call{Service: "big", Key: "k", Frames: [][]byte{nil}}
		var asking sync.WaitGroup
		for i := range 2 {
			c := h.client(ClientConfig{})
			asking.Go(func() {
				pass(time.Duration(i) * 500 * time.Millisecond)
				if reply, err := c.Do(t.Context(), call); err != nil || len(reply) != 6 {
					t.Errorf("%d: %d frames, %v", i, len(reply), err)
				}
			})
		}
		asking.Wait()
		if times != 2 {
			t.Errorf("executed %d times", times)
		}
	})
}

// The parts of all replies in hand, and the replies in the cache, together are no more
// than the cache may hold.
func TestPartsOfManyReplies(t *testing.T) {
	for _, cache := range []time.Duration{0, time.Hour} {
		s := newStage(t, BrokerConfig{ReplyCache: cache, ReplyCacheBytes: 10 * (1000 + frameCost)})
		addresses := map[string]string{}
		for i := range 5 {
			w := fmt.Sprint("w", i)
			s.from(w, mdp2.ready("tea")...)
			s.from("c", numbered{uint64(i), fmt.Sprint("key", i)}.client(request, "tea", "x")...)
			addresses[w] = s.got(w)[0][2]
		}
		say := func(c command) {
			for w, address := range addresses {
				s.from(w, mdp2.worker(c, address, "", string(make([]byte, 1000)))...) // which checks
			}
		}
		for range 3 {
			say(partial)
		}
		if s.m.cached == 0 {
			t.Error("nothing is kept")
		}
		say(final)
		if got := len(s.got("c")); got != 20 {
			t.Errorf("the client was sent %d messages", got)
		}
		if kept := s.m.cached > 0; kept != (cache > 0) {
			t.Errorf("ReplyCache %v, and %d octets are kept", cache, s.m.cached)
		}
	}
}

// Connections that are cut again and again: all is answered, and with a key and
// a cache it is done once, because the broker was there all the time.
func TestKeysOverCutConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		link := zmqtest.NewLink(t)
		b, err := NewBroker(BrokerConfig{ReplyCache: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Socket().ServeListener(link.Listener()); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Bind(door); err != nil {
			t.Fatal(err)
		}
		served := make(chan error)
		go func() { served <- b.Serve(context.Background()) }()
		var mu sync.Mutex
		done := map[string]int{}
		w, err := NewWorker("echo", HandlerFunc(func(ctx context.Context, r *Request) error {
			mu.Lock()
			done[string(r.Frames[0])]++
			mu.Unlock()
			pass(time.Second)
			return echo(ctx, r)
		}), WorkerConfig{Concurrency: 10})
		if err != nil {
			t.Fatal(err)
		}
		working := make(chan error)
		go func() { working <- w.Serve(context.Background(), door) }()
		c, err := NewClient("tcp://broker:1", ClientConfig{Options: []zmq.Option{zmq.WithDialer(link.Dialer())}})
		if err != nil {
			t.Fatal(err)
		}
		const calls = 100
		var asking sync.WaitGroup
		for i := range calls {
			asking.Go(func() {
				text := fmt.Sprint(i)
				reply, err := c.Do(t.Context(), Call{Service: "echo", Key: text, Frames: [][]byte{[]byte(text)}})
				if err != nil || string(reply[0]) != text {
					t.Errorf("%s: %q, %v", text, reply, err)
				}
			})
		}
		for range 20 {
			pass(700 * time.Millisecond)
			link.Cut()
		}
		asking.Wait()
		for text, times := range done {
			if times != 1 {
				t.Errorf("%s was done %d times", text, times)
			}
		}
		if len(done) != calls {
			t.Errorf("%d of %d were done", len(done), calls)
		}
		if err := errors.Join(c.Close(), w.Shutdown(within(t)), <-working, b.Close(), <-served); err != nil {
			t.Error(err)
		}
	})
}
