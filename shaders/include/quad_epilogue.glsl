// The epilogue of a quad; behind epilogue.glsl.
#ifndef GS_QUAD_EPILOGUE_GLSL
#define GS_QUAD_EPILOGUE_GLSL

vec4 quad_epilogue(vec4 v, vec4 y, uint element) {
    return VECTOR == 4u ? epilogue4(v, y, element) : vec4(epilogue1(v.x, y.x, element));
}

#endif
