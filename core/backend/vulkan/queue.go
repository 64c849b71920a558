package vulkan

import (
	"unsafe"

	vk "github.com/vulkan-go/vulkan"
)

// waitSlice is how long one call waits for the device, in nanoseconds.
const waitSlice = 1e9

// submit has the device take command buffers in order, after all that it was
// given before, and returns the number of the submission, which wait takes.
// Submissions may overlap but for barriers, so each command buffer begins with
// one. What a command buffer reads and writes must stay until it is done.
func (b *Backend) submit(all []vk.CommandBuffer) (uint64, error) {
	if b.lost != nil {
		return 0, b.lost
	}
	queue := *(*unsafe.Pointer)(unsafe.Pointer(&b.queue))
	pointers := make([]unsafe.Pointer, len(all))
	for i, cb := range all {
		pointers[i] = *(*unsafe.Pointer)(unsafe.Pointer(&cb))
	}
	if err := b.dev.Submit(queue, pointers, b.timeline, b.submitted+1); err != nil {
		return 0, b.fail(err) // nothing has begun
	}
	b.submitted++
	return b.submitted, nil
}

// wait returns when a submission and those before it are done. A device that is
// lost stays so.
func (b *Backend) wait(submission uint64) error {
	if b.lost != nil {
		return b.lost
	}
	for b.reached < submission {
		done, err := b.dev.Wait(b.timeline, submission, waitSlice)
		if err != nil { // what was submitted may go on for ever
			b.lost = b.fail(err)
			return b.lost
		}
		if done {
			b.reached = submission
		}
	}
	return nil
}

// settle returns when nothing is at work that could use what is to be freed.
// Whether the device is lost meanwhile is for later calls to say.
func (b *Backend) settle() {
	if b.reached < b.submitted && b.check("wait", vk.DeviceWaitIdle(b.device)) == nil {
		b.reached = b.submitted
	}
}
