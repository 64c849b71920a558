// What the shaders of affine attention share. Rows of a table are the T·K of w
// and then the T of c, each of C query, C key and C value channels; a row of w
// has the number x[n, row] at place n, a row of c has 1. Head h is channels
// h·width to (h+1)·width.
#ifndef AFFINE_ATTENTION_GLSL
#define AFFINE_ATTENTION_GLSL
#include "dtype.glsl"
#include "grid.glsl"

layout(local_size_x = 128) in;
layout(constant_id = 0) const uint TYPE = F32;
layout(push_constant) uniform Push { uint rows, tokens, numbers, heads, width; float scale; };

uint given() { return tokens * numbers; }
uint channels() { return heads * width; }

// token_of is the token that a row of the table belongs to.
uint token_of(uint row) { return row < given() ? row / numbers : row - given(); }

// TABLE declares w and c, at two bindings, and table_load(row, column).
#define TABLE(W, C)                                                                    \
    FLOATS_IN(W, w, TYPE)                                                              \
    FLOATS_IN(C, c, TYPE)                                                              \
    float table_load(uint row, uint column) {                                          \
        return row < given() ? w_load(row * 3 * channels() + column)                   \
                             : c_load((row - given()) * 3 * channels() + column);      \
    }
#endif
