// y = table[ids], or zeros where there is no such row
// table [V, C], ids [N], y [N, C]
#version 450
#include "dtype.glsl"
#include "grid.glsl"

layout(local_size_x = 128) in;
layout(constant_id = 0) const uint TABLE_TYPE = F32;
layout(constant_id = 1) const uint Y_TYPE = F32;
layout(constant_id = 2) const bool ALIGNED = false; // C is a multiple of four
layout(push_constant) uniform Push { uint n, channels, rows; };
FLOATS_IN(0, table, TABLE_TYPE)
layout(std430, set = 0, binding = 1) readonly buffer Ids { uint ids[]; };
FLOATS_OUT(2, y, Y_TYPE)

float at(uint i) {
    uint id = ids[i / channels];
    return id < rows ? table_load(id * channels + i % channels) : 0.0; // a negative id is a large one
}

vec4 at4(uint i) {
    if (!ALIGNED) {
        return vec4(at(4 * i), at(4 * i + 1), at(4 * i + 2), at(4 * i + 3));
    }
    uint quads = channels / 4, id = ids[i / quads];
    return id < rows ? table_load4(id * quads + i % quads) : vec4(0.0);
}

void main() {
    EACH4(n, y_store4(i, at4(i)), y_store(i, at(i)))
}
