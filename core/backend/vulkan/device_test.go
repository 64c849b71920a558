package vulkan

import (
	"os"
	"strings"
	"testing"

	vk "github.com/vulkan-go/vulkan"

	"github.com/kiban-models/kiban/core/backend/vulkan/internal/vkshim"
)

func TestNoLoader(t *testing.T) {
	_, err := Open(Options{Index: -1, Library: "libno-such-vulkan.so.1"})
	if err == nil {
		t.Fatal("a library that does not exist was opened")
	}
	for _, want := range []string{"no Vulkan loader", "libno-such-vulkan.so.1", "install"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q does not mention %q", err, want)
		}
	}
}

// A library that is there but no Vulkan loader.
func TestWrongLibrary(t *testing.T) {
	file := t.TempDir() + "/libvulkan.so.1"
	must(t, os.WriteFile(file, []byte("not a library"), 0o666))
	if _, err := Open(Options{Index: -1, Library: file}); err == nil || !strings.Contains(err.Error(), "no Vulkan loader") {
		t.Errorf("error %v, wanted one that says there is no loader", err)
	}
}

func TestList(t *testing.T) {
	b := open(t, Options{})
	all, err := List()
	must(t, err)
	if b.Info().ID >= len(all) || all[b.Info().ID].Name != b.Info().Name {
		t.Errorf("opened %+v, which is not among %+v", b.Info(), all)
	}
	for i, d := range all {
		if d.ID != i || d.Name == "" || d.Type == "" || d.API == "" || d.MemoryTotal <= 0 || d.MemoryFree > d.MemoryTotal {
			t.Errorf("device %d is described as %+v", i, d)
		}
	}
	if _, err := Open(Options{Index: len(all)}); err == nil || !strings.Contains(err.Error(), "there are") {
		t.Errorf("error %v for a device past the last", err)
	}
}

func TestChoose(t *testing.T) {
	device := func(id int, kind vk.PhysicalDeviceType, storage16 bool) physical {
		return physical{features: features{
			info: Info{ID: id, Name: "it"}, kind: kind, api: vk.MakeVersion(1, 2, 0),
			DeviceInfo: &vkshim.DeviceInfo{Storage16: storage16, Timeline: true},
		}}
	}
	cpu := device(0, vk.PhysicalDeviceTypeCpu, true)
	integrated := device(1, vk.PhysicalDeviceTypeIntegratedGpu, true)
	discrete := device(2, vk.PhysicalDeviceTypeDiscreteGpu, true)
	old := device(3, vk.PhysicalDeviceTypeDiscreteGpu, false)
	first, idle := device(4, vk.PhysicalDeviceTypeDiscreteGpu, true), device(5, vk.PhysicalDeviceTypeDiscreteGpu, true)
	fences := device(6, vk.PhysicalDeviceTypeDiscreteGpu, true)
	first.api = vk.MakeVersion(1, 1, 0)
	idle.QueueFamily = -1
	fences.Timeline = false
	for _, p := range []physical{old, first, idle, fences} {
		if why := p.unusable(); !strings.Contains(why, "use --device cpu") {
			t.Errorf("device %d: %q names no remedy", p.info.ID, why)
		}
	}
	for _, c := range []struct {
		all  []physical
		opt  Options
		want int
		err  string
	}{
		{[]physical{cpu, integrated, discrete}, Options{Index: -1}, 2, ""},
		{[]physical{cpu, old, integrated}, Options{Index: -1}, 1, ""},
		{[]physical{cpu}, Options{Index: -1}, 0, "it is the CPU"},
		{[]physical{cpu}, Options{Index: -1, AllowSoftware: true}, 0, ""},
		{[]physical{cpu, integrated}, Options{Index: 0}, 0, ""},
		{[]physical{old}, Options{Index: 0}, 0, "storageBuffer16BitAccess"},
		{[]physical{first}, Options{Index: 0}, 0, "wanted 1.2"},
		{[]physical{fences}, Options{Index: 0}, 0, "timelineSemaphore"},
		{[]physical{idle, old}, Options{Index: -1}, 0, "no compute queue"},
		{nil, Options{Index: -1}, 0, "install"},
	} {
		p, err := choose(c.all, c.opt)
		switch {
		case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)):
			t.Errorf("%+v: error %v, wanted one about %q", c.opt, err, c.err)
		case c.err == "" && err != nil:
			t.Errorf("%+v: %v", c.opt, err)
		case c.err == "" && p.info.ID != c.want:
			t.Errorf("%+v: chose device %d, wanted %d", c.opt, p.info.ID, c.want)
		}
	}
}
