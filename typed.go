package zmq

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
)

// Codec turns values into octets and back.
type Codec[T any] interface {
	Encode(v T) ([]byte, error)
	Decode(b []byte) (T, error)
}

// JSON is the codec of encoding/json.
func JSON[T any]() Codec[T] { return jsonCodec[T]{} }

type jsonCodec[T any] struct{}

func (jsonCodec[T]) Encode(v T) ([]byte, error) { return json.Marshal(v) }

func (jsonCodec[T]) Decode(b []byte) (v T, err error) {
	err = json.Unmarshal(b, &v)
	return v, err
}

// TypedSocket sends and receives values of one type, each the last frame of a
// message.
type TypedSocket[T any] struct {
	s     *Socket
	codec Codec[T]
}

// Typed makes a socket speak values: zmq.Typed[Order](push, zmq.JSON).
func Typed[T any](s *Socket, codec func() Codec[T]) *TypedSocket[T] {
	return &TypedSocket[T]{s: s, codec: codec()}
}

// Socket returns the socket below.
func (t *TypedSocket[T]) Socket() *Socket { return t.s }

// Send sends a value. Frames in front of it, such as a topic or an identity,
// are sent as they are.
func (t *TypedSocket[T]) Send(ctx context.Context, v T, front ...[]byte) error {
	b, err := t.codec.Encode(v)
	if err != nil {
		return t.s.opError("send", "", fmt.Errorf("%w: encode: %w", ErrInvalid, err))
	}
	return t.s.Send(ctx, append(front[:len(front):len(front)], b)...)
}

// Recv receives a value, and the frames in front of it. A message that can't be
// decoded is ErrInvalid; the next Recv goes on behind it.
func (t *TypedSocket[T]) Recv(ctx context.Context) (v T, front [][]byte, err error) {
	m, err := t.s.Recv(ctx)
	if err != nil {
		return v, nil, err
	}
	last := len(m.Frames) - 1
	v, err = t.codec.Decode(m.Frames[last])
	if err != nil {
		return v, m.Frames[:last], t.s.opError("recv", "", fmt.Errorf("%w: decode: %w", ErrInvalid, err))
	}
	return v, m.Frames[:last], nil
}

// Values receives in a loop, as [Socket.Msgs] does. A message that can't be
// decoded yields ErrInvalid and the loop goes on.
func (t *TypedSocket[T]) Values(ctx context.Context) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for {
			v, _, err := t.Recv(ctx)
			switch {
			case ctx.Err() != nil && contextError(ctx, err):
				yield(v, ctx.Err())
				return
			case t.s.isClosed() && err != nil:
				return
			case err != nil && !isTimeout(err) && (!errors.Is(err, ErrInvalid) || t.s.bad != nil):
				yield(v, err)
				return
			}
			if !yield(v, err) {
				return
			}
		}
	}
}
