package vulkan

import (
	"fmt"
	"time"
	"unsafe"

	"github.com/kiban-models/kiban/vkshaders"
)

// maxPush is the number of 32-bit push constants that every device has.
const maxPush = 32

// layout is the shape of a shader's operands: so many storage buffers.
type layout struct{ set, pipeline uint64 }

// layoutOf returns the layout of n bindings.
func (b *Backend) layoutOf(n int) (layout, error) {
	if l, ok := b.layouts[n]; ok {
		return l, nil
	}
	set, pipeline, err := b.dev.NewLayouts(n, 4*maxPush)
	if err != nil {
		return layout{}, b.fail(err)
	}
	l := layout{set, pipeline}
	b.layouts[n] = l
	return l, nil
}

// pipelineKey is what tells the pipeline of a dispatch from others.
func (d dispatch) pipelineKey() string {
	if len(d.spec) == 0 {
		return d.shader
	}
	return d.shader + string(unsafe.Slice((*byte)(unsafe.Pointer(&d.spec[0])), 4*len(d.spec)))
}

// pipelineOf returns the pipeline of a dispatch, made at its first use.
func (b *Backend) pipelineOf(d dispatch) (uint64, error) {
	key := d.pipelineKey()
	if p, ok := b.pipelines[key]; ok {
		return p, nil
	}
	begun := time.Now()
	p, err := b.newPipeline(d, b.cache.object)
	if err != nil {
		return 0, b.fail(err)
	}
	b.pipelines[key] = p
	b.cache.made++
	b.cache.took += time.Since(begun)
	return p, nil
}

// newPipeline makes a pipeline, by way of a cache of them or of none, which is 0.
// Once there is a layout several may be made at once. Errors are to pass fail.
func (b *Backend) newPipeline(d dispatch, cache uint64) (uint64, error) {
	code, err := vkshaders.Code(d.shader)
	if err != nil {
		return 0, err
	}
	l, err := b.layoutOf(len(d.bind))
	if err != nil {
		return 0, err
	}
	p, err := b.dev.NewPipeline(cache, l.pipeline, code, d.spec, d.subgroup)
	if err != nil {
		return 0, fmt.Errorf("shader %s with constants %v: %w", d.shader, d.spec, err)
	}
	return p, nil
}
