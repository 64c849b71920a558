// Matrix products on cooperative matrices of a whole workgroup
// (VK_NV_cooperative_matrix2): ELEMENT is the type of a and b, sums are f32. How
// a tile of BM x BN gets through shared memory is the driver's business, which
// knows more of that memory than a shader may use. Loads past the edges of a
// and b give zeros.
//
// With several workgroups along z each takes a part of K, as in
// matmul_coop.glsl.
#ifndef MATMUL_COOP2_GLSL
#define MATMUL_COOP2_GLSL
#pragma use_vulkan_memory_model
#extension GL_KHR_cooperative_matrix : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_EXT_shader_explicit_arithmetic_types_int32 : require
#extension GL_NV_cooperative_matrix2 : require
#include "matmul.glsl"
#include "matmul_band.glsl"

layout(local_size_x = 256) in;
layout(constant_id = 14) const uint BM = 128;
layout(constant_id = 15) const uint BN = 128;
layout(constant_id = 16) const uint BK = 64;

// Whatever the type of a buffer, layouts count elements of the matrix.
layout(std430, set = 0, binding = 0) readonly buffer a_b5 { uvec4 a_u16x8[]; };
layout(std430, set = 0, binding = 1) readonly buffer b_b5 { uvec4 b_u16x8[]; };

// end takes one sum of the tile at m0, n0. What it returns nobody reads.
float end(const in uint32_t row, const in uint32_t col, const in float v, const in uint32_t m0, const in uint32_t n0) {
    if (m0 + row < M && n0 + col < N) { finish(gl_WorkGroupID.z * M + m0 + row, n0 + col, v); }
    return v;
}

void main() {
    uvec2 at = tile();
    uint m0 = at.x * BM, n0 = at.y * BN;
    tensorLayoutNV<2, gl_CooperativeMatrixClampModeConstantNV> al = createTensorLayoutNV(2, gl_CooperativeMatrixClampModeConstantNV);
    tensorLayoutNV<2, gl_CooperativeMatrixClampModeConstantNV> bl = createTensorLayoutNV(2, gl_CooperativeMatrixClampModeConstantNV);
    al = setTensorLayoutDimensionNV(al, TRANS_A ? K : M, TRANS_A ? M : K);
    bl = setTensorLayoutDimensionNV(bl, TRANS_B ? N : K, TRANS_B ? K : N);
    tensorViewNV<2, false, 1, 0> turned = createTensorViewNV(2, false, 1, 0);

    uint pieces = (K + BK - 1) / BK;
    uint part = (pieces + gl_NumWorkGroups.z - 1) / gl_NumWorkGroups.z;
    uint first = min(gl_WorkGroupID.z * part, pieces), last = min(first + part, pieces);
    coopmat<float, gl_ScopeWorkgroup, BM, BN, gl_MatrixUseAccumulator> sum =
        coopmat<float, gl_ScopeWorkgroup, BM, BN, gl_MatrixUseAccumulator>(0.0);
    for (uint k = first * BK; k < last * BK; k += BK) {
        coopmat<ELEMENT, gl_ScopeWorkgroup, BM, BK, gl_MatrixUseA> a;
        coopmat<ELEMENT, gl_ScopeWorkgroup, BK, BN, gl_MatrixUseB> b;
        if (TRANS_A) {
            coopMatLoadTensorNV(a, a_u16x8, 0, sliceTensorLayoutNV(al, k, BK, m0, BM), turned);
        } else {
            coopMatLoadTensorNV(a, a_u16x8, 0, sliceTensorLayoutNV(al, m0, BM, k, BK));
        }
        if (TRANS_B) {
            coopMatLoadTensorNV(b, b_u16x8, 0, sliceTensorLayoutNV(bl, n0, BN, k, BK), turned);
        } else {
            coopMatLoadTensorNV(b, b_u16x8, 0, sliceTensorLayoutNV(bl, k, BK, n0, BN));
        }
        sum = coopMatMulAdd(a, b, sum);
    }
    coopMatPerElementNV(sum, sum, end, m0, n0);
}
#endif
