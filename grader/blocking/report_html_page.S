/* report_html_page.S - the style sheet and the script of the page, as they are written in files of their own, within the program.
 *
 * The trap it exists for: a script that is kept as C strings, which no editor colours and no tool reads. */
        .section .rodata
        .globl  blocking_style
        .globl  blocking_script
blocking_style:
        .incbin "grader/blocking/report_html.css"
        .byte   0
blocking_script:
        .incbin "grader/blocking/report_html.js"
        .incbin "grader/blocking/report_html_timeline.js"
        .incbin "grader/blocking/report_html_flame.js"
        .incbin "grader/blocking/report_html_sites.js"
        .byte   0

        .section .note.GNU-stack, "", %progbits
