# The name of a function, without what differs from one compiler to the next.
s/\(17h[0-9a-f]\{16\}E\)\{0,1\}\(\.llvm\.[0-9]*\)\{0,1\}$//
s/Cs[0-9A-Za-z]*_/Cs_/g
