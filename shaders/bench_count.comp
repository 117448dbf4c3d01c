// Next to nothing (src/bench/peak.c): the cost of a dispatch. It needs what the dispatch before it wrote, and its sum
// shows how many have run.
#version 450

layout(local_size_x_id = 0) in;

layout(set = 0, binding = 0) buffer COUNT { uint count; };

void main() {
    if (gl_LocalInvocationID.x == 0u) count++;
}
