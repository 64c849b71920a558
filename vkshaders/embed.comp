// y = table[ids]·scale[ids], or zeros where there is no such row
// table [V, C], ids [N], y [N, C], scale [V]
#version 450
#include "dtype.glsl"
#include "int8.glsl"
#include "grid.glsl"

layout(local_size_x = 128) in;
layout(constant_id = 0) const uint TABLE_TYPE = F32;
layout(constant_id = 1) const uint Y_TYPE = F32;
layout(constant_id = 2) const bool ALIGNED = false; // C is a multiple of four
layout(constant_id = 3) const bool INT8 = false; // table is signed bytes, and has a scale
layout(push_constant) uniform Push { uint n, channels, rows; };
FLOATS_IN(0, table, TABLE_TYPE)
BYTES_VIEWS(0, table)
layout(std430, set = 0, binding = 1) readonly buffer Ids { uint ids[]; };
FLOATS_OUT(2, y, Y_TYPE)
FLOATS_IN(3, scale, F32)

float at(uint i) {
    uint id = ids[i / channels];
    if (id >= rows) { return 0.0; } // a negative id is a large one
    uint e = id * channels + i % channels;
    return INT8 ? scale_load(id) * from_byte(table_i8x4[e / 4], e % 4) : table_load(e);
}

vec4 at4(uint i) {
    if (!ALIGNED) {
        return vec4(at(4 * i), at(4 * i + 1), at(4 * i + 2), at(4 * i + 3));
    }
    uint quads = channels / 4, id = ids[i / quads];
    if (id >= rows) { return vec4(0.0); }
    uint e = id * quads + i % quads;
    return INT8 ? scale_load(id) * from_bytes(table_i8x4[e]) : table_load4(e);
}

void main() {
    EACH4(n, y_store4(i, at4(i)), y_store(i, at(i)))
}
