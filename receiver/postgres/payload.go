package postgres

import (
	"fmt"

	"github.com/klauspost/compress/zstd"
)

// maxBody bounds what a stored body may unpack to.
const maxBody = 256 << 20

// codec packs bodies: JSON of alerts shrinks to a third, which pays for itself
// in what must be written. Safe for concurrent use. It is never closed: whole
// bodies are packed without goroutines, and one may still be unpacked for a
// caller when the store closes.
type codec struct {
	enc *zstd.Encoder
	dec *zstd.Decoder
}

func newCodec() (*codec, error) {
	enc, err := zstd.NewWriter(nil,
		zstd.WithEncoderLevel(zstd.SpeedFastest),
		zstd.WithEncoderConcurrency(2),
		zstd.WithWindowSize(256<<10),
		zstd.WithLowerEncoderMem(true))
	if err != nil {
		return nil, fmt.Errorf("zstd: %w", err)
	}
	dec, err := zstd.NewReader(nil,
		zstd.WithDecoderConcurrency(2),
		zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxMemory(maxBody))
	if err != nil {
		return nil, fmt.Errorf("zstd: %w", err)
	}
	return &codec{enc, dec}, nil
}

// packed is a body as it is stored.
type packed struct {
	enc  string // raw or zstd
	body []byte
}

// pack never keeps body itself: the caller may use it again.
func (c *codec) pack(body []byte) packed {
	z := c.enc.EncodeAll(body, make([]byte, 0, len(body)/2+64))
	if len(z) < len(body) {
		return packed{"zstd", z}
	}
	return packed{"raw", append([]byte{}, body...)}
}

func (c *codec) unpack(p packed) ([]byte, error) {
	if p.enc == "raw" {
		return p.body, nil
	}
	body, err := c.dec.DecodeAll(p.body, nil)
	if err != nil {
		return nil, fmt.Errorf("stored body: %w", err)
	}
	return body, nil
}
