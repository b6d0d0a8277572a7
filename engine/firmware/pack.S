// The pack (pack.py), in flash where it lies: PACK is its path.
    .section .pack, "a"
    .balign 64
    .global pack_begin, pack_end
pack_begin:
    .incbin PACK
pack_end:
