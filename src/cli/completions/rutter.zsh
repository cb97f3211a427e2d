#compdef @NAME@
# zsh completion for @NAME@: asks rutter itself what may stand in the place of the word being typed.

_@NAME@() {
    local cur directive line prefix
    local -a answer asked found options
    cur="${(Q)words[CURRENT]}"
    asked=("${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}")
    # `eval` for the first word alone: it may be an alias or begin with a tilde.
    answer=("${(@f)$(eval "${words[1]}" '@COMMAND@ "${(@)asked}"' 2>/dev/null)}")
    directive="${answer[-1]}"
    [[ "$directive" == :* ]] || return 1
    directive="${directive#:}"
    (( directive & 1 )) && return 1
    answer[-1]=()

    # Of `--flag=value` rutter gives the value.
    [[ "$PREFIX" == -*=* ]] && compset -P '*='
    for line in "${(@)answer}"; do
        if [[ "$line" == "_activeHelp_ "* ]]; then
            _message "${line#_activeHelp_ }"
            continue
        fi
        [[ -n "$line" ]] || continue
        # A ':' divides name and description; one in the name is escaped.
        if [[ "$line" == *$'\t'* ]]; then
            found+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
        else
            found+=("${line//:/\\:}")
        fi
    done
    (( directive & 2 )) && options+=(-S '')
    (( directive & 32 )) && options+=(-V @NAME@)
    if (( ${#found} )) && _describe 'completions' found "${(@)options}"; then
        return 0
    fi
    (( directive & 4 )) || _files
}

# Sourced, it registers itself; found on the path of functions, it is the function.
if [[ "${funcstack[1]}" == "_@NAME@" ]]; then
    _@NAME@ "$@"
else
    compdef _@NAME@ @NAME@
fi
