// Package vulkan runs programs on graphics cards, and on anything else that
// has a Vulkan 1.1 driver.
//
// A program is lowered to dispatches of the shaders in package vkshaders and
// recorded into command buffers once; a run submits them and waits. The Vulkan
// loader is opened at run time, so that a machine without one can build and
// start everything, and gets a clear error from Open.
package vulkan
