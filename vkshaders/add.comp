// y = a + b, elementwise
// a [n], b [n], y [n]; y may be a or b
#version 450
#define TABLE 3
#include "dtype.glsl"
#include "many.glsl"

layout(constant_id = 1) const uint TYPE = F32; // with MANY always
layout(push_constant) uniform Push { uint n; };
FLOATS_IN(0, a, TYPE)
FLOATS_IN(1, b, TYPE)
FLOATS_OUT(2, y, TYPE)

void main() {
    uint length = n, number = group_index();
    uvec3 at = uvec3(0); // of a, b and y
    if (MANY) {
        if (number >= n) {
            return;
        }
        uvec4 first = table[2 * number], second = table[2 * number + 1];
        length = first.x;
        number = first.y;
        at = uvec3(first.zw, second.x);
    }
    EACH4_OF(length, number, y_store4(at.z + i, a_load4(at.x + i) + b_load4(at.y + i)),
             y_store(4 * at.z + i, a_load(4 * at.x + i) + b_load(4 * at.y + i)))
}
