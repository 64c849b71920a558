// Weights in 8 bits: signed bytes, read as words of four, so that no feature of
// the device is wanted.
//
//	BYTES_VIEWS(1, w)    // four bytes w_i8x4[i], eight bytes w_i8x8[i]
#ifndef INT8_GLSL
#define INT8_GLSL

#define BYTES_VIEWS(BINDING, NAME)                                                             \
    layout(std430, set = 0, binding = BINDING) readonly buffer NAME##_c1 { uint NAME##_i8x4[]; };  \
    layout(std430, set = 0, binding = BINDING) readonly buffer NAME##_c2 { uvec2 NAME##_i8x8[]; };

float from_byte(uint word, uint i) { return bitfieldExtract(int(word), int(8 * i), 8); }

vec4 from_bytes(uint word) {
    return vec4(from_byte(word, 0), from_byte(word, 1), from_byte(word, 2), from_byte(word, 3));
}
#endif
