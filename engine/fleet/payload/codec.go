package payload

import (
	"crypto/rand"
	"errors"
	"fmt"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/protobuf/proto"
)

// encoding marks a payload of this package, and keyID is the metadata with the ID of its key.
const (
	encoding = "binary/pipe-aes-256-gcm"
	keyID    = "pipe-key-id"
)

// ErrPlain means that a payload is not encrypted.
var ErrPlain = errors.New("the payload is not encrypted: it was not written by this fleet")

// ErrNoKey means that a payload is encrypted with a key that this program does not have.
var ErrNoKey = errors.New("this program does not have its key")

// Codec encrypts and decrypts payloads. It is safe for concurrent use.
type Codec struct{ keys *Keys }

var _ converter.PayloadCodec = (*Codec)(nil)

// NewCodec returns the codec with these keys.
func NewCodec(keys *Keys) *Codec { return &Codec{keys} }

// Encode encrypts payloads with the current key.
func (c *Codec) Encode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	out := make([]*commonpb.Payload, len(payloads))
	k := c.keys.all[0]
	for i, p := range payloads {
		plain, err := proto.Marshal(p)
		if err != nil {
			return nil, fmt.Errorf("encode a payload: %w", err)
		}
		nonce := make([]byte, k.aead.NonceSize())
		rand.Read(nonce) // never fails
		out[i] = &commonpb.Payload{
			Metadata: map[string][]byte{converter.MetadataEncoding: []byte(encoding), keyID: []byte(k.id)},
			Data:     k.aead.Seal(nonce, nonce, plain, additional(k.id)),
		}
	}
	return out, nil
}

// Decode decrypts payloads. It returns ErrPlain for one that is not encrypted.
func (c *Codec) Decode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	out := make([]*commonpb.Payload, len(payloads))
	for i, p := range payloads {
		if string(p.GetMetadata()[converter.MetadataEncoding]) != encoding {
			return nil, ErrPlain
		}
		id := string(p.GetMetadata()[keyID])
		k := c.keys.find(id)
		if k == nil {
			return nil, fmt.Errorf("the payload is encrypted with the key %.16q: %w", id, ErrNoKey)
		}
		size := k.aead.NonceSize()
		if len(p.GetData()) < size {
			return nil, errors.New("the payload is damaged: it is too short")
		}
		plain, err := k.aead.Open(nil, p.GetData()[:size], p.GetData()[size:], additional(id))
		if err != nil {
			return nil, errors.New("the payload is damaged, or was changed: it does not match its key")
		}
		out[i] = &commonpb.Payload{}
		if err := proto.Unmarshal(plain, out[i]); err != nil {
			return nil, fmt.Errorf("decode a payload: %w", err)
		}
	}
	return out, nil
}

// additional is what the authentication covers in addition to the data.
func additional(id string) []byte { return []byte(encoding + "\x00" + id) }

// DataConverter returns the converter that encrypts with the keys.
func DataConverter(keys *Keys) converter.DataConverter {
	return converter.NewCodecDataConverter(converter.GetDefaultDataConverter(), NewCodec(keys))
}

// FailureConverter returns the converter that encrypts messages and stack traces of failures too.
func FailureConverter(keys *Keys) converter.FailureConverter {
	return temporal.NewDefaultFailureConverter(temporal.DefaultFailureConverterOptions{
		DataConverter: DataConverter(keys), EncodeCommonAttributes: true,
	})
}
