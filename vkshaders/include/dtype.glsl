// Storage types. An operand that may be stored as f32, bf16 or f16 is declared
// by one of the macros below with its binding, its name and its type, usually a
// specialisation constant (ids are counted from 0 in the order in which a
// shader declares them; the lowering in core/backend/vulkan follows it):
//
//	layout(constant_id = 0) const uint TYPE = F32;
//	FLOATS_IN(0, x, TYPE)     // float x_load(uint i),  vec4 x_load4(uint i)
//	FLOATS_OUT(1, y, TYPE)    // void y_store(uint i, float v), y_store4(uint i, vec4 v)
//	FLOATS_INOUT(2, z, TYPE)  // both
//
// load4 and store4 take elements 4i to 4i+3. Arithmetic is always in f32.
//
// The declarations of one operand are views of the same buffer, so none may be
// restrict; the branches on TYPE vanish when the pipeline is made.
#ifndef DTYPE_GLSL
#define DTYPE_GLSL
#extension GL_EXT_shader_16bit_storage : require

#define F32 0
#define BF16 1
#define F16 2

// from_bits widens 16 bits of the given type; exact.
float from_bits(uint type, uint h) {
    return type == BF16 ? uintBitsToFloat(h << 16) : unpackHalf2x16(h).x;
}

// to_bits rounds to nearest, ties to even; NaN stays NaN, and f16 overflows to
// infinity. packHalf2x16 would leave the rounding to the driver.
uint to_bits(uint type, float f) {
    uint b = floatBitsToUint(f);
    uint sign = (b >> 16) & 0x8000u;
    uint a = b & 0x7fffffffu;
    if (type == BF16) {
        return a > 0x7f800000u ? (b >> 16) | 0x40u : (b + 0x7fffu + ((b >> 16) & 1u)) >> 16;
    }
    if (a > 0x7f800000u) {
        return sign | 0x7e00u;
    }
    if (a >= 0x47800000u) { // 65536 and above, and infinity
        return sign | 0x7c00u;
    }
    if (a < 0x38800000u) { // subnormal: adding 0.5 lines the value up with the grid of 2^-24
        return sign | (floatBitsToUint(uintBitsToFloat(a) + 0.5) - 0x3f000000u);
    }
    return sign | ((a + 0xfffu + ((a >> 13) & 1u) - 0x38000000u) >> 13);
}

vec4 from_bits4(uint type, uvec2 h) {
    return vec4(from_bits(type, h.x & 0xffffu), from_bits(type, h.x >> 16),
                from_bits(type, h.y & 0xffffu), from_bits(type, h.y >> 16));
}

uvec2 to_bits4(uint type, vec4 v) {
    return uvec2(to_bits(type, v.x) | (to_bits(type, v.y) << 16),
                 to_bits(type, v.z) | (to_bits(type, v.w) << 16));
}

#define FLOATS_VIEWS(BINDING, ACCESS, NAME)                                                            \
    layout(std430, set = 0, binding = BINDING) ACCESS buffer NAME##_b1 { float NAME##_f32[]; };        \
    layout(std430, set = 0, binding = BINDING) ACCESS buffer NAME##_b2 { vec4 NAME##_f32x4[]; };       \
    layout(std430, set = 0, binding = BINDING) ACCESS buffer NAME##_b3 { uint16_t NAME##_u16[]; };     \
    layout(std430, set = 0, binding = BINDING) ACCESS buffer NAME##_b4 { uvec2 NAME##_u16x4[]; };

#define FLOATS_LOADS(NAME, TYPE)                                                                       \
    float NAME##_load(uint i) {                                                                        \
        if (TYPE == F32) { return NAME##_f32[i]; }                                                     \
        return from_bits(TYPE, uint(NAME##_u16[i]));                                                   \
    }                                                                                                  \
    vec4 NAME##_load4(uint i) {                                                                        \
        if (TYPE == F32) { return NAME##_f32x4[i]; }                                                   \
        return from_bits4(TYPE, NAME##_u16x4[i]);                                                      \
    }

#define FLOATS_STORES(NAME, TYPE)                                                                      \
    void NAME##_store(uint i, float v) {                                                               \
        if (TYPE == F32) { NAME##_f32[i] = v; return; }                                                \
        NAME##_u16[i] = uint16_t(to_bits(TYPE, v));                                                    \
    }                                                                                                  \
    void NAME##_store4(uint i, vec4 v) {                                                               \
        if (TYPE == F32) { NAME##_f32x4[i] = v; return; }                                              \
        NAME##_u16x4[i] = to_bits4(TYPE, v);                                                           \
    }

#define FLOATS_IN(BINDING, NAME, TYPE) FLOATS_VIEWS(BINDING, readonly, NAME) FLOATS_LOADS(NAME, TYPE)
#define FLOATS_OUT(BINDING, NAME, TYPE) FLOATS_VIEWS(BINDING, writeonly, NAME) FLOATS_STORES(NAME, TYPE)
#define FLOATS_INOUT(BINDING, NAME, TYPE) \
    FLOATS_VIEWS(BINDING, , NAME) FLOATS_LOADS(NAME, TYPE) FLOATS_STORES(NAME, TYPE)

#endif
