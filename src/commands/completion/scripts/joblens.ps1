# PowerShell completion for joblens

Register-ArgumentCompleter -Native -CommandName joblens -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $words = @($commandAst.CommandElements |
        Where-Object { $_.Extent.StartOffset -lt $cursorPosition } |
        ForEach-Object { $_.Extent.Text })
    # An empty word is lost on the way to a program, so that it is told.
    $options = @('__complete')
    if ($wordToComplete -eq '') { $options += '--new' }
    & $words[0] @options '--' @words 2>$null | ForEach-Object {
        $value, $help = $_ -split "`t", 2
        if (-not $help) { $help = $value }
        [System.Management.Automation.CompletionResult]::new($value, $value, 'ParameterValue', $help)
    }
}
